//! A `package-lock.json` as npm writes it, with made-up packages: each has what such an entry has, depends on a few others,
//! and where two versions of one package are needed, one lies below the package that needs it.

use larder_bench_protocol::Random;
use serde_json::{Map, Value, json};

/// Words that names are made of.
const WORDS: [&str; 24] = [
    "ansi", "array", "babel", "buffer", "cache", "color", "core", "data", "emitter", "fetch", "glob",
    "helper", "is", "json", "loader", "match", "node", "parse", "plugin", "regex", "source", "stream",
    "string", "util",
];

/// The alphabet of integrity hashes.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A lock file, version 3, with so many packages besides the project itself. An eighth of them lies below others.
pub(super) fn text(packages: usize) -> String {
    let mut random = Random::new(packages as u64);
    let below = packages / 8;
    let names: Vec<String> = (0..packages - below).map(|number| name(number, &mut random)).collect();
    let mut entries = Map::new();
    entries.insert(String::new(), project(&names, &mut random));
    // Who needs which other version of whom.
    let mut others = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let needs: Vec<&String> = needs(&names, number, &mut random);
        if let Some(needed) = needs.first() {
            others.push(format!("node_modules/{name}/node_modules/{needed}"));
        }
        let entry = package(name, &needs, &mut random);
        entries.insert(format!("node_modules/{name}"), entry);
    }
    for number in 0..below {
        let Some(path) = others.get(number * others.len() / below) else { break };
        let name = path.rsplit_once("node_modules/").map_or(path.as_str(), |(_, name)| name);
        let entry = package(name, &[], &mut random);
        entries.insert(path.clone(), entry);
    }
    let lock = json!({
        "name": "bench", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": entries,
    });
    // Indented by two, as npm does.
    format!("{lock:#}\n")
}

fn name(number: usize, random: &mut Random) -> String {
    let mut word = || WORDS.get(random.key(WORDS.len() as u64) as usize - 1).copied().unwrap_or("core");
    let (first, second) = (word(), word());
    match number % 5 {
        0 => format!("@{first}/{second}-{number}"),
        _ => format!("{first}-{second}-{number}"),
    }
}

/// Up to six others, different ones.
fn needs<'n>(names: &'n [String], number: usize, random: &mut Random) -> Vec<&'n String> {
    let count = random.key(7) as usize - 1;
    let start = random.key(names.len() as u64) as usize;
    let mut needs: Vec<&String> = names.iter().cycle().skip(start).step_by(17).take(count).collect();
    needs.retain(|name| Some(*name) != names.get(number));
    needs.sort_unstable();
    needs.dedup();
    needs
}

fn version(random: &mut Random) -> String {
    format!("{}.{}.{}", random.key(9), random.key(20) - 1, random.key(10) - 1)
}

fn project(names: &[String], random: &mut Random) -> Value {
    let mut some = |from: usize| -> Map<String, Value> {
        let names = names.iter().skip(from).step_by(40);
        names.map(|name| (name.clone(), json!(format!("^{}", version(random))))).collect()
    };
    json!({
        "name": "bench", "version": "1.0.0", "license": "MIT", "dependencies": some(0), "devDependencies": some(20),
    })
}

fn package(name: &str, needs: &[&String], random: &mut Random) -> Value {
    let version_here = version(random);
    let file = name.rsplit('/').next().unwrap_or(name);
    let letters = (0..86).map(|_| char::from(*BASE64.get(random.key(64) as usize - 1).unwrap_or(&b'A')));
    let mut entry = Map::new();
    entry.insert("version".into(), json!(version_here));
    entry.insert(
        "resolved".into(),
        json!(format!("https://packages.example/{name}/-/{file}-{version_here}.tgz")),
    );
    entry.insert("integrity".into(), json!(format!("sha512-{}==", letters.collect::<String>())));
    entry.insert("license".into(), json!("MIT"));
    if random.key(3) == 1 {
        entry.insert("dev".into(), json!(true));
    }
    if random.key(2) == 1 {
        entry.insert("engines".into(), json!({ "node": ">=18" }));
    }
    if random.key(20) == 1 {
        entry.insert("bin".into(), json!({ file: "bin/cli.js" }));
    }
    if !needs.is_empty() {
        let ranges = needs.iter().map(|name| ((*name).clone(), json!(format!("^{}", version(random)))));
        entry.insert("dependencies".into(), Value::Object(ranges.collect()));
    }
    if random.key(12) == 1 {
        entry.insert("peerDependencies".into(), json!({ "typescript": ">=5" }));
        entry.insert("peerDependenciesMeta".into(), json!({ "typescript": { "optional": true } }));
    }
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_has_so_many_packages_and_each_need_is_there() {
        let text = text(200);
        assert_eq!(text, super::text(200), "the same each time");
        let lock: Value = serde_json::from_str(&text).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert_eq!(packages.len(), 201);
        assert!(packages.keys().filter(|path| path.matches("node_modules/").count() == 2).count() == 25);
        for (path, entry) in packages {
            for name in entry["dependencies"].as_object().into_iter().flatten().map(|(name, _)| name) {
                assert!(packages.contains_key(&format!("node_modules/{name}")), "{path} needs {name}");
            }
        }
    }

    #[test]
    fn a_lock_file_without_packages_has_the_project_alone() {
        let lock: Value = serde_json::from_str(&text(0)).unwrap();
        assert_eq!(lock["packages"].as_object().unwrap().len(), 1);
    }
}
