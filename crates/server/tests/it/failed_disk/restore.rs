//! A restore that is killed before any of its calls that change a name or sync a file.

use std::{fs, process::Command};

use super::Disk;
use crate::support::ScratchInstallation;

/// The most calls of one restore.
const CALLS: usize = 200;
const SHOP: &str = "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n";

/// Beside `data`, where the store is: `before` has the store of version 2, and `backup.db` is one of version 1.
fn prepare(place: &ScratchInstallation) {
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    place.run(&["backup", "backup.db"]).printed();
    place.write("shop.toml", &SHOP.replace("shop.example", "corner.example"));
    place.run(&["project", "apply", "shop.toml"]).printed();
    fs::rename(place.path("data"), place.path("before")).expect("our folder");
}

fn reset(place: &ScratchInstallation, has_store: bool) {
    fs::remove_dir_all(place.path("data")).ok();
    fs::create_dir(place.path("data")).expect("a folder");
    if has_store {
        for entry in fs::read_dir(place.path("before")).expect("a folder") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), place.path("data").join(entry.file_name())).expect("a copy");
        }
    }
}

/// Restores, and kills it before its n-th call; whether it was killed.
fn restore_until(place: &ScratchInstallation, disk: &Disk, call: usize) -> bool {
    let inner = place.command(&["restore", "backup.db"]);
    let line = disk.wrapper(&[("DISK_DEATH", &call.to_string())]);
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(place.path("")).env_clear();
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let output = command.output().expect("it runs");
    assert!(output.status.success() || output.status.code().is_none(), "{output:?}");
    !output.status.success()
}

#[test]
fn a_restore_killed_anywhere_leaves_the_old_store_or_the_new_one() {
    let Some(disk) = Disk::make() else { return };
    let place = ScratchInstallation::new();
    prepare(&place);
    let (mut old, mut new) = (0, 0);
    for call in 1..CALLS {
        reset(&place, true);
        let was_killed = restore_until(&place, &disk, call);
        let listed = place.run(&["project", "list"]).printed();
        if listed.ends_with("version 2\n") {
            old += 1;
        } else {
            assert!(listed.ends_with("version 1\n"), "call {call}: {listed}");
            new += 1;
        }
        place.run(&["check", "--quiet"]).printed();
        if !was_killed {
            break;
        }
        // It can be repeated.
        place.run(&["restore", "backup.db"]).printed();
        assert!(place.run(&["project", "list"]).printed().ends_with("version 1\n"));
    }
    assert!(old > 3 && new > 1, "it was killed before and after the store was replaced: {old}, {new}");
}

/// There was no store: a start after the kill makes no empty one, once the backup was copied.
#[test]
fn a_killed_restore_into_an_empty_folder_is_not_taken_for_a_new_store() {
    let Some(disk) = Disk::make() else { return };
    let place = ScratchInstallation::new();
    prepare(&place);
    let mut refused = 0;
    for call in 1..CALLS {
        reset(&place, false);
        if !restore_until(&place, &disk, call) {
            break;
        }
        let has_part = fs::metadata(place.path("data/vestibule.db.part")).is_ok_and(|file| file.len() > 0);
        let is_complete = place.path("data/vestibule.db").exists();
        if has_part && !is_complete {
            let problem = place.run(&["project", "apply", "shop.toml"]).problem();
            assert!(problem.contains(".part") && problem.contains("`vestibule restore`"), "{problem}");
            let started = place.command(&["serve"]).output().expect("it runs");
            assert!(!started.status.success());
            refused += 1;
        }
        place.run(&["restore", "backup.db"]).printed();
        assert!(place.run(&["project", "list"]).printed().ends_with("version 1\n"));
    }
    assert!(refused > 0, "it was killed between the copy and the new name");
}
