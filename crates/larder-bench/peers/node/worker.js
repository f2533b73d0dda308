// Workers on better-sqlite3, and on the SQLite that newer node brings along. They speak the line protocol of
// ../../protocol: `worker.js SUBJECT WORK key=value…`, one line about the library, then a round for each line `go`.
// The driver copies this folder beside what npm installs, and puts the texts of SQL there as data.json.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");

const data = require("./data.json");
const { Meter, Random } = require("./meter.js");

const [subject, work, ...rest] = process.argv.slice(2);
const settings = new Map(rest.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]));

function number(key) {
  const value = settings.get(key);
  if (value === undefined || !/^\d+$/.test(value)) throw new Error(`the work ${work} needs a number ${key}=`);
  return Number(value);
}

// Both libraries have `exec` and `prepare`, and statements with `get`, `run` and `all`.
function open(file) {
  let database;
  if (subject === "better-sqlite3") {
    database = new (require("better-sqlite3"))(file);
  } else if (subject === "node-sqlite") {
    database = new (require("node:sqlite").DatabaseSync)(file);
  } else {
    throw new Error(`${subject} is not known here`);
  }
  database.exec(data.PRAGMAS);
  if (settings.has("synchronous")) database.exec(`PRAGMA synchronous=${settings.get("synchronous")}`);
  return database;
}

function file(name) {
  return path.join(settings.get("dir"), name);
}

function meter(batch) {
  const budget = settings.has("budget-ms") ? number("budget-ms") : 100;
  return new Meter(batch, settings.has("ops") ? number("ops") : undefined, budget);
}

const works = {
  // A statement that is held, as the library's documentation does it: it has no cache of its own.
  "point-read"() {
    const rows = number("rows");
    let database = open(file("read.db"));
    database.exec(data.USERS);
    database.exec(data.FILL_USERS.replace("{rows}", rows));
    database.close();
    database = open(file("read.db"));
    database.exec(data.TOUCH_USERS);
    const statement = database.prepare(data.READ_USER);
    const random = new Random(7n, rows);
    return () => {
      const clock = meter(64);
      while (clock.more()) {
        const id = random.key();
        const user = statement.get({ id });
        if (user.id !== id || user.age !== id % 90 || user.name.length < 6 || user.email.length < 17) {
          throw new Error(`the wrong row for ${id}`);
        }
      }
      return clock.finish();
    };
  },

  // A held statement for each row, in one transaction.
  "insert-many"() {
    const count = settings.has("ops") ? number("ops") : number("rows");
    const users = Array.from({ length: count }, (_, at) => ({
      id: at + 1,
      name: `name ${at + 1}`,
      email: `user${at + 1}@example.org`,
      age: (at + 1) % 90,
    }));
    const expected = users.reduce((sum, user) => sum + user.age, 0);
    return () => {
      for (const end of ["", "-wal", "-shm"]) fs.rmSync(file("bulk.db") + end, { force: true });
      const database = open(file("bulk.db"));
      database.exec(data.USERS);
      const insert = database.prepare(data.INSERT_USER);
      const start = performance.now();
      database.exec("BEGIN IMMEDIATE");
      for (const user of users) insert.run(user);
      database.exec("COMMIT");
      const ns = Math.round((performance.now() - start) * 1e6);
      const found = database.prepare(data.SUM_USERS).get();
      database.close();
      if (found.count !== count || found.sum !== expected) throw new Error(`${found.count} rows instead of ${count}`);
      return { ns, ops: count, counts: {} };
    };
  },

  // One process of node runs one transaction at a time, whoever asks for it, so this is for one thread.
  write() {
    if (number("threads") !== 1) throw new Error("node has one thread");
    const database = open(file("write.db"));
    database.exec(data.SET_UP_EVENTS);
    const begin = database.prepare("BEGIN IMMEDIATE");
    const commit = database.prepare("COMMIT");
    const insert = database.prepare(data.WRITE_EVENT);
    const count = database.prepare(data.COUNT_EVENTS);
    const random = new Random(1000n, 2 ** 32);
    let acknowledged = 0;
    return () => {
      const clock = meter(1);
      while (clock.more()) {
        const body = `${(random.key() - 1).toString(16).padStart(8, "0")} the text of one small event`;
        begin.run();
        insert.run({ thread: 0, body });
        commit.run();
      }
      const sample = clock.finish();
      acknowledged += sample.ops;
      const found = Object.values(count.get())[0];
      if (found < acknowledged) throw new Error(`${acknowledged} writes were acknowledged, and ${found} rows are there`);
      return sample;
    };
  },
};

function hello() {
  const database = open(":memory:");
  const rows = database.prepare(data.HELLO).all();
  database.close();
  const said = rows.map((row) => Object.values(row));
  return { sqlite: said[0][0], options: said.map(([, option]) => option).join(",") };
}

async function main() {
  if (!Object.hasOwn(works, work)) throw new Error(`${subject} does not do ${work}`);
  const said = hello();
  const round = works[work]();
  console.log(JSON.stringify(said));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (line.trim() !== "go") break;
    console.log(JSON.stringify(round()));
  }
}

main().catch((fault) => {
  console.error(fault.message);
  process.exitCode = 1;
});
