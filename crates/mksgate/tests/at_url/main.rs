//! Runs `connect --url` and `probe --against` against servers that speak RFB in a WebSocket, or do not.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod connects;
mod probes;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod usage;

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use server::{Kind, Server};
use support::mksgate;
use support::program::program;
use support::viewer::{enter, interrupt, proxy, view};

/// A directory with the files that the options name.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    write(
        &folder,
        "headers",
        "X-File: s3cr3t-1\n# no header\nX-Two: s3cr3t-2\n",
        0o600,
    );
    write(&folder, "cookie", "session=s3cr3t-3\n", 0o600);
    write(&folder, "public", "session=s3cr3t-4\n", 0o644);
    folder
}

fn write(folder: &TempDir, name: &str, text: &str, mode: u32) {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

/// A program that prints this URL followed by the number of times it was run.
fn counting(folder: &TempDir, url: &str) {
    let script = format!("#!/bin/sh\necho >> runs\necho \"{url}$(wc -l < runs)\"\n");
    program(&folder.path().join("fresh-url"), &script);
}

/// Exit code, stdout and stderr.
fn run(mut command: Command) -> (Option<i32>, String, String) {
    let done = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

fn connect(folder: &TempDir, arguments: &[&str]) -> Command {
    mksgate(folder, &[&["connect"], arguments].concat())
}

fn probe(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(mksgate(folder, &[&["probe"], arguments].concat()))
}

/// An address on which nobody listens.
const UNUSED: &str = "127.0.0.1:9";
