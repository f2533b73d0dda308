//! Verifying contracts against files that change.

use crate::{add_tools, empty};
use larder::{Database, ErrorKind};
use larder_kit::Place;
use larder_stores::registry::{
    self, ContractStatus, ContractType, NewContract, NothingToVerify, VerificationStatus,
};
use std::fs;
use std::path::Path;

/// A registry with one contract, and the folder of its schema.
fn promised<'p>(place: &'p Place, schema_path: Option<&str>) -> (Database, &'p Path, i64) {
    let db = empty(place);
    add_tools(&db, &["a"]);
    let new = NewContract {
        tool_id: "a",
        contract_type: ContractType::CliOutput,
        name: "out",
        schema_path,
        schema_hash: None,
    };
    let id = db.write(|tx| registry::add_contract(tx, new.clone())).unwrap().id;
    (db, place.folder(), id)
}

larder_kit::engines! {
    fn the_first_verification_agrees_and_later_ones_compare(place: &Place) {
        let (db, folder, id) = promised(place, Some("out.json"));
        let file = folder.join("out.json");
        let verify = || registry::verify(&db, id, folder, Some("abc123")).unwrap();

        fs::write(&file, "{\"a\": 1, \"b\": 2}").unwrap();
        let first = verify();
        assert_eq!(
            (first.verification.status, first.contract.status),
            (VerificationStatus::Pass, ContractStatus::Valid)
        );
        let details = first.verification.details.unwrap().0;
        assert_eq!((details.old_hash, details.accepted), (None, true));
        assert_eq!(details.new_hash, first.contract.schema_hash);
        assert_eq!(first.verification.git_commit.as_deref(), Some("abc123"));
        let tool = db.read(|tx| registry::tool(tx, "a")).unwrap().unwrap();
        assert_eq!(tool.last_verified, Some(first.verification.verified_at));

        fs::write(&file, "{\n  \"b\": 2,\n  \"a\": 1.0\n}\n").unwrap();
        let laid_out = verify();
        assert_eq!(laid_out.contract.status, ContractStatus::Valid, "layout is no drift");
        assert!(!laid_out.verification.details.unwrap().0.accepted);

        fs::write(&file, "{\"a\": 1}").unwrap();
        for _ in 0..2 {
            let drift = verify();
            assert_eq!(
                (drift.verification.status, drift.contract.status),
                (VerificationStatus::Drift, ContractStatus::Drift)
            );
            assert_eq!(drift.contract.schema_hash, first.contract.schema_hash, "the agreed hash stays");
            let details = drift.verification.details.unwrap().0;
            assert_eq!(details.old_hash, first.contract.schema_hash);
            assert!(details.new_hash.is_some_and(|new| Some(new) != details.old_hash));
        }

        let accepted = registry::accept(&db, id, folder, None).unwrap();
        assert_eq!(accepted.contract.status, ContractStatus::Valid);
        assert!(accepted.verification.details.unwrap().0.accepted);
        assert_eq!(verify().verification.status, VerificationStatus::Pass);
        let newest = db.read(|tx| registry::verifications(tx, id, 2)).unwrap();
        assert_eq!(newest.len(), 2);
        assert!(newest[0].id > newest[1].id);
    }

    fn what_can_not_be_read_is_broken_or_unknown_and_keeps_what_was_agreed(place: &Place) {
        let (db, folder, id) = promised(place, Some("out.json"));
        let file = folder.join("out.json");
        fs::write(&file, "[]").unwrap();
        let agreed = registry::verify(&db, id, folder, None).unwrap().contract.schema_hash;

        let fails = |status: ContractStatus, problem: &str| {
            let found = registry::verify(&db, id, folder, None).unwrap();
            assert_eq!((found.verification.status, found.contract.status), (VerificationStatus::Fail, status));
            assert_eq!(found.contract.schema_hash, agreed);
            assert_eq!(found.verification.details.unwrap().0.problem.as_deref(), Some(problem));
            let error = registry::accept(&db, id, folder, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(matches!(error.find(), Some(NothingToVerify::NoHash { .. })), "{error}");
        };
        fs::write(&file, "[").unwrap();
        fails(ContractStatus::Broken, "it is not valid JSON, at its line 1 column 1");
        fs::remove_file(&file).unwrap();
        fails(ContractStatus::Broken, "there is no such file");
        fs::create_dir(&file).unwrap();
        fails(ContractStatus::Broken, "it is not a file");
        fs::remove_dir(&file).unwrap();
        fs::File::create(&file).unwrap().set_len(registry::MAX_SCHEMA_BYTES + 1).unwrap();
        fails(ContractStatus::Unknown, "it is larger than 64 MB");

        fs::write(&file, " []").unwrap();
        assert_eq!(
            registry::verify(&db, id, folder, None).unwrap().contract.status,
            ContractStatus::Valid
        );
    }

    fn a_contract_without_a_file_is_refused_and_left_out_of_all(place: &Place) {
        let (db, folder, id) = promised(place, None);
        let error = registry::verify(&db, id, folder, None).unwrap_err();
        assert_eq!(error.find(), Some(&NothingToVerify::NoPath { contract_id: id }));
        assert!(registry::verify_all(&db, None, folder, None).unwrap().is_empty());
        let error = registry::verify(&db, id + 1, folder, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    fn a_reading_of_another_file_is_not_recorded(place: &Place) {
        let (db, folder, id) = promised(place, Some("out.json"));
        let reading = registry::read_schema(folder, "other.json");
        let error = db.write(|tx| registry::record_verification(tx, id, &reading, None)).unwrap_err();
        assert!(matches!(error.find(), Some(NothingToVerify::Moved { .. })), "{error}");
        assert!(db.read(|tx| registry::verifications(tx, id, 9)).unwrap().is_empty());
    }

    fn all_contracts_are_verified_in_one_transaction_those_of_one_tool_if_asked(place: &Place) {
        let (db, folder, first) = promised(place, Some("out.json"));
        add_tools(&db, &["b"]);
        let other = NewContract {
            tool_id: "b",
            contract_type: ContractType::DbSchema,
            name: "tables",
            schema_path: Some("tables.sql"),
            schema_hash: None,
        };
        let second = db.write(|tx| registry::add_contract(tx, other.clone())).unwrap().id;
        fs::write(folder.join("tables.sql"), "CREATE TABLE t (n)").unwrap();
        let statuses = |tool| -> Vec<(i64, ContractStatus)> {
            let all = registry::verify_all(&db, tool, folder, None).unwrap();
            all.iter().map(|one| (one.contract.id, one.contract.status)).collect()
        };
        assert_eq!(statuses(None), [(first, ContractStatus::Broken), (second, ContractStatus::Valid)]);
        assert_eq!(statuses(Some("b")), [(second, ContractStatus::Valid)]);
    }

    fn the_commit_is_that_of_the_repository_with_the_schema(place: &Place) {
        let (db, folder, id) = promised(place, Some("out.json"));
        fs::write(folder.join("out.json"), "{}").unwrap();
        let kept = |given: Option<&str>| {
            registry::verify(&db, id, folder, given).unwrap().verification.git_commit
        };
        assert_eq!(kept(None), None, "it lies in no repository");
        // The files that `git` would have made.
        fs::create_dir(folder.join(".git")).unwrap();
        let commit = "0123456789abcdef0123456789abcdef01234567";
        fs::write(folder.join(".git/HEAD"), format!("{commit}\n")).unwrap();
        assert_eq!(kept(None).as_deref(), Some(commit));
        assert_eq!(kept(Some("given")).as_deref(), Some("given"));
        fs::remove_file(folder.join("out.json")).unwrap();
        assert_eq!(kept(None).as_deref(), Some(commit), "where the file should lie");
        let all = registry::verify_all(&db, None, folder, None).unwrap();
        assert_eq!(all[0].verification.git_commit.as_deref(), Some(commit));
    }
}
