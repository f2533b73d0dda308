//! One suite for every driver: what the seam promises in `larder::driver`, asked of SQLite in a file, of SQLite in
//! memory, of PostgreSQL, and of each behind the wrapping driver of the test kit. A new engine is done when it stands here and passes.
//!
//! What is one engine's alone stands in a list of its own. What differs inside a test is written down in docs/engines.md.
//!
//! A test is a function of a [`kit::Subject`]; one that is missing from the list below is dead code, which is an error.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

#[path = "conformance/constraint.rs"]
mod constraint;
#[cfg(feature = "postgres")]
#[path = "conformance/declared.rs"]
mod declared;
#[path = "conformance/durability.rs"]
mod durability;
#[path = "conformance/parameter.rs"]
mod parameter;
#[path = "conformance/refusal.rs"]
mod refusal;
#[path = "conformance/statement.rs"]
mod statement;
#[path = "conformance/tally.rs"]
mod tally;
#[path = "conformance/transaction.rs"]
mod transaction;
#[path = "conformance/value.rs"]
mod value;

macro_rules! suite {
    (both { $($both:tt)* } sqlite { $($sqlite:tt)* } postgres { $($postgres:tt)* }) => {
        mod sqlite {
            suite!(@on file { $($both)* } { $($sqlite)* });
            suite!(@on memory { $($both)* } { $($sqlite)* });
            suite!(@on wrapped { $($both)* } { $($sqlite)* });
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            suite!(@on server { $($both)* } { $($postgres)* });
            suite!(@on wrapped_server { $($both)* } { $($postgres)* });
        }
    };
    (@on $subject:ident { $($both:tt)* } { $($alone:tt)* }) => {
        mod $subject {
            mod both {
                suite!(@tests $subject $($both)*);
            }
            mod alone {
                suite!(@tests $subject $($alone)*);
            }
        }
    };
    (@tests $subject:ident $($module:ident { $($test:ident)* })*) => {
        $(mod $module {
            $(#[test] fn $test() { crate::$module::$test(&crate::kit::Subject::$subject()) })*
        })*
    };
}

suite! {
    both {
        constraint {
            a_unique_value_is_named_with_its_table_and_columns
            a_primary_key_is_named
            a_missing_value_is_named
            a_check_is_named
            a_foreign_key_is_known_as_one
            a_trigger_is_another_rule
            a_transaction_goes_on_after_a_constraint
            a_foreign_key_that_waits_for_the_commit_rolls_back
        }
        durability {
            it_is_raised_and_comes_back
            inside_a_transaction_it_is_refused
        }
        parameter {
            they_are_found_by_name_in_any_order
            one_name_many_places_one_value
            those_that_do_not_fit_are_refused_before_anything_runs
            other_forms_are_refused
            what_the_database_can_not_hold_is_refused
            the_values_of_an_earlier_call_are_gone
            values_in_a_list_need_no_names
            a_bound_limit_and_range_are_obeyed
        }
        refusal {
            what_reads_can_not_write
            what_ends_or_opens_a_transaction_is_refused
            settings_are_refused_and_not_changed
            questions_are_answered
            a_reading_connection_can_not_write
            a_lock_has_one_holder
        }
        statement {
            a_fault_of_the_text_has_its_place
            one_text_is_one_statement
            a_text_with_a_nul_is_refused
            more_statements_than_are_kept_all_work
            a_buffer_that_is_written_again_is_read_again
            a_change_of_the_schema_changes_the_columns
            a_dropped_table_is_missed_and_a_new_one_found
            rows_end_when_asked_to
            an_error_of_the_reader_comes_back_as_it_is
            rows_changed_are_counted
            one_row_is_one_row
        }
        tally {
            statements_and_what_had_to_be_prepared_are_counted
        }
        transaction {
            what_is_committed_stays_and_a_value_comes_back
            an_error_rolls_back
            a_panic_rolls_back
            savepoints_nest
            a_panic_in_a_savepoint_rolls_back_only_that
            a_statement_stopped_from_another_thread
            a_write_stopped_from_another_thread
            a_lock_not_had_in_time_is_busy
            an_end_without_a_beginning
            a_read_sees_one_state
        }
        value {
            every_type_comes_back
            every_value_comes_back
            the_ends_of_the_ranges_come_back
            large_values_come_back
            structs_take_columns_by_name
            tuples_take_columns_by_position
            columns_are_taken_one_by_one
            enums_are_text
            a_value_of_a_wrong_type_names_the_column_and_not_the_value
            what_a_type_says_itself_is_not_repeated
            a_row_of_a_wrong_shape
        }
    }
    sqlite {
        constraint {
            a_strict_type_is_another_rule
        }
        refusal {
            other_databases_are_refused
            under_watch_settings_are_taken_and_seen
            each_watch_is_told_of_a_statement_that_runs_again
        }
        tally {
            what_the_engine_prepares_again_is_counted
            asking_again_for_a_lock_is_counted
        }
        transaction {
            a_full_database_rolls_back_and_goes_on_when_there_is_space
            a_lost_transaction_refuses_what_follows
            a_lost_savepoint_refuses_until_the_outermost
            a_commit_of_another_connection_is_noticed
        }
        value {
            text_that_is_not_utf8
            text_comes_back_whatever_the_database_keeps_it_in
        }
    }
    postgres {
        refusal {
            what_the_server_keeps_for_a_session_is_refused
        }
        transaction {
            two_that_come_in_between_each_other_conflict
        }
        declared {
            what_a_column_declares_is_what_comes_back
            what_does_not_fit_a_column_is_refused
        }
    }
}
