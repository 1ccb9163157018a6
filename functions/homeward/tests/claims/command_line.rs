//! The contract of the command line, by the built program.

#![allow(missing_docs)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use image::{ImageFormat, Rgb, RgbImage, imageops};
use serde_json::Value;
use tempfile::TempDir;

fn homeward(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_homeward"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("homeward runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A picture with structure and no symmetry; another seed is another picture.
fn drawn(seed: u32) -> RgbImage {
    let rng = |i: u32| {
        let mixed = (seed * 97 + i + 1).wrapping_mul(0x9e37_79b9);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b);
        mixed ^ (mixed >> 13)
    };
    RgbImage::from_fn(240, 200, |x, y| {
        let covers = |i: &u32| {
            let (left, top, radius) = (
                rng(4 * i) % 240,
                rng(4 * i + 1) % 200,
                10 + rng(4 * i + 2) % 60,
            );
            left.abs_diff(x).pow(2) + top.abs_diff(y).pow(2) < radius.pow(2)
        };
        let brightness = (0..30)
            .rev()
            .find(covers)
            .map_or(90, |i| rng(4 * i + 3) % 256) as u8;
        Rgb([brightness, brightness / 2 + 60, 255 - brightness])
    })
}

fn write(path: &Path, picture: &RgbImage, format: ImageFormat) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    picture
        .save_with_format(path, format)
        .expect("a picture is written");
}

/// References `a.png`, `sub/b.jpg`, and one without structure; ads made of them.
fn two_folders() -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let at = |name: &str| root.path().join(name);
    let (a, b) = (drawn(1), drawn(2));
    write(&at("references/a.png"), &a, ImageFormat::Png);
    write(&at("references/sub/b.jpg"), &b, ImageFormat::Jpeg);
    write(
        &at("references/flat.png"),
        &RgbImage::from_pixel(90, 90, Rgb([7; 3])),
        ImageFormat::Png,
    );
    write(&at("ads/1/copy, again.jpg"), &a, ImageFormat::Jpeg);
    write(
        &at("ads/1/mirrored.png"),
        &imageops::flip_horizontal(&b),
        ImageFormat::Png,
    );
    write(
        &at("ads/turned.bmp"),
        &imageops::rotate90(&a),
        ImageFormat::Bmp,
    );
    write(&at("ads/other.gif"), &drawn(3), ImageFormat::Gif);
    write(
        &at("ads/flat.png"),
        &RgbImage::from_pixel(80, 80, Rgb([7; 3])),
        ImageFormat::Png,
    );
    root
}

fn compare(folder: &Path, more: &[&str]) -> Output {
    let compare = [
        "compare",
        "--references",
        "references",
        "--ads",
        "ads",
        "--out",
        "m.csv",
    ];
    homeward(&[&compare, more].concat(), folder)
}

fn json_lines(output: &Output) -> Vec<Value> {
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn fingerprint_prints_one_line_a_picture_in_order() {
    let root = two_folders();
    let output = homeward(
        &["fingerprint", "ads/turned.bmp", "references"],
        root.path(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = json_lines(&output);
    let paths: Vec<_> = lines
        .iter()
        .map(|line| line["path"].as_str().expect("a path"))
        .collect();
    let expected = [
        "ads/turned.bmp",
        "references/a.png",
        "references/flat.png",
        "references/sub/b.jpg",
    ];
    assert_eq!(paths, expected);
    for line in &lines {
        let members: Vec<_> = line.as_object().expect("an object").keys().collect();
        assert_eq!(
            members,
            ["height", "path", "pdq", "quality", "sha256", "width"]
        );
        for member in ["pdq", "sha256"] {
            let hex = line[member].as_str().expect("hex");
            assert!(hex.len() == 64 && hex.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')));
        }
    }
    assert_eq!(
        (&lines[0]["width"], &lines[0]["height"]),
        (&Value::from(200), &Value::from(240))
    );
    assert_eq!(lines[2]["quality"], Value::from(0));
}

#[test]
fn fingerprint_reads_a_hurt_file_as_far_as_it_goes_and_says_so() {
    let root = two_folders();
    let at = |name: &str| root.path().join(name);
    let jpeg = fs::read(at("references/sub/b.jpg")).expect("a file");
    fs::write(at("cut.jpg"), &jpeg[..jpeg.len() * 8 / 10]).expect("written");
    let output = homeward(
        &["fingerprint", "cut.jpg", "references/sub/b.jpg"],
        root.path(),
    );
    assert_eq!(output.status.code(), Some(0));
    let lines = json_lines(&output);
    assert_eq!(lines[0]["partial"], Value::from(true));
    assert_eq!(lines[1]["partial"], Value::Null);
}

#[test]
fn fingerprint_says_why_a_file_cannot_be_read_and_exits_1() {
    let root = two_folders();
    let at = |name: &str| root.path().join(name);
    let jpeg = fs::read(at("references/sub/b.jpg")).expect("a file");
    fs::write(at("cut.jpg"), &jpeg[..jpeg.len() / 5]).expect("written");
    fs::write(at("note.jpg"), "no picture").expect("written");
    fs::write(at("empty.png"), "").expect("written");
    write(&at("tiny.png"), &RgbImage::new(4, 4), ImageFormat::Png);
    let arguments = [
        "fingerprint",
        "cut.jpg",
        "note.jpg",
        "empty.png",
        "tiny.png",
        "gone.jpg",
        "references/a.png",
    ];
    let output = homeward(&arguments, root.path());
    assert_eq!(output.status.code(), Some(1));
    let lines = json_lines(&output);
    let errors: Vec<_> = lines
        .iter()
        .filter_map(|line| line["error"].as_str())
        .collect();
    assert_eq!(
        errors,
        [
            "truncated",
            "not_an_image",
            "not_an_image",
            "too_small",
            "not_found"
        ]
    );
    assert!(
        lines
            .iter()
            .filter(|line| line["error"].is_string())
            .all(|line| line.as_object().is_some_and(|o| o.len() == 2))
    );
    assert!(lines[5]["pdq"].is_string(), "the good one is still read");
}

#[test]
fn compare_writes_one_sorted_row_for_each_pair() {
    let root = two_folders();
    let output = compare(root.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "", "stdout is for data");
    let mut csv = csv::Reader::from_path(root.path().join("m.csv")).expect("a CSV");
    assert_eq!(
        csv.headers().expect("a head"),
        vec!["reference", "ad", "level", "method", "distance", "edit"]
    );
    let rows: Vec<Vec<String>> = csv.deserialize().map(|row| row.expect("a row")).collect();
    let short: Vec<_> = rows
        .iter()
        .map(|r| [&r[0], &r[1], &r[2], &r[3], &r[5]].map(String::as_str))
        .collect();
    assert_eq!(
        short,
        [
            ["a.png", "1/copy, again.jpg", "alert", "whole", "as is"],
            ["a.png", "turned.bmp", "alert", "whole", "turned 90"],
            ["sub/b.jpg", "1/mirrored.png", "alert", "whole", "mirrored"],
        ]
    );
    assert!(
        rows.iter()
            .all(|row| row[4].parse::<u16>().is_ok_and(|distance| distance <= 31))
    );
    assert_eq!(
        fs::read_to_string(root.path().join("m.errors.csv")).expect("errors"),
        "path,reason\n"
    );
}

#[test]
fn compare_goes_on_past_files_that_cannot_be_read_and_names_them() {
    let root = two_folders();
    fs::write(root.path().join("ads/list.txt"), "no picture").expect("written");
    let output = compare(root.path(), &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("unreadable: ads/list.txt: not_an_image"));
    let errors = fs::read_to_string(root.path().join("m.errors.csv")).expect("errors");
    assert_eq!(errors, "path,reason\nads/list.txt,not_an_image\n");
    let summary = &json_lines(&output)[0];
    let figures = ["references", "ads", "matches", "unreadable"].map(|name| summary[name].as_u64());
    assert_eq!(figures, [Some(3), Some(5), Some(3), Some(1)]);
}

#[test]
fn compare_explains_each_match_by_a_picture() {
    let root = two_folders();
    // far larger than any screen, and the photo a small part of it
    let mut huge = RgbImage::from_fn(2_400, 1_700, |x, y| Rgb([(x / 40 + y / 30) as u8; 3]));
    imageops::replace(
        &mut huge,
        &imageops::resize(&drawn(1), 720, 600, imageops::FilterType::Triangle),
        900,
        700,
    );
    write(&root.path().join("ads/huge.jpg"), &huge, ImageFormat::Jpeg);
    let names = || {
        let output = compare(root.path(), &["--explain", "why/pictures"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("a picture of each match is in why/pictures"));
        let entries = fs::read_dir(root.path().join("why/pictures")).expect("made");
        let mut names: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
        names.sort();
        names
    };
    let pictures = names();
    assert_eq!(pictures, names(), "the same names in every run");
    let stems: Vec<_> = pictures
        .iter()
        .map(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .expect("ASCII")
        })
        .map(|name| name.rsplit_once("--").expect("a digest").0)
        .collect();
    assert_eq!(
        stems,
        ["a--copy__again", "a--huge", "a--turned", "b--mirrored"]
    );
    for path in pictures {
        let picture = image::open(path).expect("a picture").into_rgb8();
        assert!(picture.width() < 1_400 && picture.height() < 900);
        let is_outline = |pixel: &Rgb<u8>| pixel[0] > 200 && pixel[1] < 110 && pixel[2] > 70;
        assert!(picture.pixels().any(is_outline), "the outline is drawn");
    }
}

#[test]
fn explanations_are_not_written_into_a_folder_that_is_searched() {
    let root = two_folders();
    for folder in ["ads", "ads/why", "references/why"] {
        let output = compare(root.path(), &["--explain", folder]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("hint: "));
    }
    assert!(!root.path().join("m.csv").exists());
}

#[test]
fn comparing_again_gives_the_same_file_even_if_it_lies_among_the_ads() {
    let root = two_folders();
    let run = || {
        let arguments = [
            "compare",
            "--references",
            "references",
            "--ads",
            "ads",
            "--out",
            "ads/m.csv",
        ];
        assert_eq!(homeward(&arguments, root.path()).status.code(), Some(0));
        ["ads/m.csv", "ads/m.errors.csv"]
            .map(|name| fs::read(root.path().join(name)).expect("written"))
    };
    assert_eq!(run(), run());
}

#[test]
fn a_list_of_persons_that_cannot_be_meant_ends_the_measurement_before_it_begins() {
    let root = two_folders();
    let measure = |list: &str| {
        fs::write(root.path().join("persons.txt"), list).expect("a list");
        let bench = ["bench", "recall", "--photos", "references"];
        let files = ["--report", "r.md", "--same-person", "persons.txt"];
        let output = homeward(&[bench.as_slice(), &files].concat(), root.path());
        (output.status.code(), text(&output.stderr))
    };
    for (list, cause) in [
        ("a.png", "line 1 names fewer than two photos"),
        ("a.png, sub/b.jpg\na.png, x.png", "line 2 names a photo"),
        ("a.png, \u{1b}[31mx.png", r"no photo of the folder: \u{1b}"),
    ] {
        let (code, said) = measure(list);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(cause) && said.contains("hint: "), "{said}");
        assert!(!root.path().join("r.md").exists());
    }
}

#[cfg(unix)]
#[test]
fn odd_names_links_in_circles_and_pipes_do_not_stop_compare() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let root = two_folders();
    let ads = root.path().join("ads");
    let from = root.path().join("references/a.png");
    fs::copy(&from, ads.join(OsStr::from_bytes(b"caf\xe9.png"))).expect("copied");
    fs::copy(&from, ads.join("line\nbreak \"q\".png")).expect("copied");
    std::os::unix::fs::symlink(&ads, ads.join("1/around")).expect("linked");
    let made = Command::new("mkfifo")
        .arg(ads.join("pipe.jpg"))
        .status()
        .expect("mkfifo runs");
    assert!(made.success());
    let output = compare(root.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let csv = fs::read_to_string(root.path().join("m.csv")).expect("UTF-8");
    assert!(csv.contains("a.png,caf\\xe9.png,alert"), "{csv}");
    assert!(csv.contains("\"line\nbreak \"\"q\"\".png\""), "{csv}");
    let errors = fs::read_to_string(root.path().join("m.errors.csv")).expect("errors");
    assert_eq!(
        errors,
        "path,reason\nads/1/around,link_loop\nads/pipe.jpg,not_a_file\n"
    );
}

#[test]
fn an_input_at_fault_exits_1_with_a_hint_and_touches_nothing() {
    let root = two_folders();
    fs::create_dir(root.path().join("empty")).expect("a folder");
    fs::create_dir(root.path().join("texts")).expect("a folder");
    fs::write(root.path().join("texts/a.jpg"), "no picture").expect("written");
    let check = |references: &str, ads: &str, cause: &str| {
        let output = homeward(
            &[
                "compare",
                "--references",
                references,
                "--ads",
                ads,
                "--out",
                "m.csv",
            ],
            root.path(),
        );
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("error: {cause}")) && said.contains("\nhint: "),
            "{said}"
        );
        assert!(!root.path().join("m.csv").exists());
    };
    check("gone", "ads", "no folder at gone");
    check("references", "empty", "the folder empty is empty");
    check("texts", "ads", "no picture in the folder texts can be read");
    check(
        "references",
        "texts",
        "no picture in the folder texts can be read",
    );
}

#[test]
fn wrong_usage_exits_2() {
    let root = two_folders();
    let code = |arguments: &[&str]| homeward(arguments, root.path()).status.code();
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["fingerprint"]), Some(2));
    assert_eq!(code(&["compare", "--ads", "ads"]), Some(2));
    let nowhere = [
        "compare",
        "--references",
        "references",
        "--ads",
        "ads",
        "--out",
        "no/m.csv",
    ];
    assert_eq!(code(&nowhere), Some(2));
}

#[test]
fn help_has_examples_for_every_command_and_says_what_it_never_does() {
    let here = Path::new(".");
    let help = text(&homeward(&["--help"], here).stdout);
    assert!(
        help.contains("same photo") && help.contains("never recognises a face"),
        "{help}"
    );
    for command in [
        "fingerprint",
        "compare",
        "upload",
        "dead-letters",
        "receipt",
        "report",
        "completions",
    ] {
        assert!(help.contains(&format!("homeward {command} ")), "{help}");
        let words: &[&str] = match command {
            "receipt" => &["receipt", "verify", "--help"],
            "report" => &["report", "verify", "--help"],
            command => &[command, "--help"],
        };
        let output = homeward(words, here);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("Examples:\n"), "{command}");
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = homeward(&["completions", shell], Path::new("."));
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("fingerprint"), "{shell}");
    }
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let root = two_folders();
    let many: Vec<&str> = std::iter::repeat_n("references", 300).collect();
    let mut child = Command::new(env!("CARGO_BIN_EXE_homeward"))
        .arg("fingerprint")
        .args(many)
        .current_dir(root.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("homeward runs");
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut first).expect("a line");
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        (output.status.code(), text(&output.stderr).as_str()),
        (Some(0), "")
    );
    assert!(first.starts_with("{\"path\":"));
}

const TOKEN: &str = "hw_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

/// `homeward upload ads --to URL` with a token, and what else is said.
fn upload(folder: &Path, to: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_homeward"))
        .args(["upload", "ads", "--to", to])
        .args(more)
        .env("HOMEWARD_TOKEN", TOKEN)
        .current_dir(folder)
        .output()
        .expect("homeward runs")
}

#[test]
fn a_dry_run_says_what_would_be_sent_and_writes_nothing() {
    let root = two_folders();
    fs::write(root.path().join("ads/empty"), "").expect("a file");
    let output = upload(
        root.path(),
        "https://homeward.example",
        &["--dry-run", "--json"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let summary = &json_lines(&output)[0];
    assert_eq!(
        (&summary["files"], &summary["would_send"]),
        (&6.into(), &5.into())
    );
    assert_eq!(summary["refused"][0]["reason"], "empty");
    let names: Vec<_> = fs::read_dir(root.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "no state file: {names:?}");
}

/// What scrapers and laptops leave in a folder.
#[cfg(unix)]
#[test]
fn what_is_no_picture_or_lies_outside_is_named_and_not_sent() {
    let root = two_folders();
    let at = |name: &str| root.path().join(name);
    let litter = [
        "ads/.DS_Store",
        "ads/Thumbs.db",
        "ads/._1.jpg",
        "ads/desktop.ini",
    ];
    for name in litter {
        fs::write(at(name), b"\0\x05\x16\x07").expect("a file");
    }
    fs::write(at("ads/blocked.jpg"), "<!DOCTYPE html>403").expect("a file");
    fs::write(at("ads/token"), TOKEN).expect("a file");
    fs::write(at("ads/book.psd"), "8BPS\0\x01").expect("a file");
    fs::create_dir(at("outside")).expect("a folder");
    fs::copy(at("references/a.png"), at("outside/other.png")).expect("a file");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, at(name)).expect("linked");
    link("../outside", "ads/link");
    link("missing.jpg", "ads/dangling.jpg");
    let output = upload(
        root.path(),
        "https://homeward.example",
        &["--dry-run", "--json"],
    );
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("not sent: link: a link that leads out of the folder"),
        "{told}"
    );
    let summary = &json_lines(&output)[0];
    let of = |row: &serde_json::Value| {
        (
            row["path"].to_string(),
            row["reason"].to_string(),
            row["new"].clone(),
        )
    };
    let refused: Vec<_> = summary["refused"]
        .as_array()
        .expect("rows")
        .iter()
        .map(of)
        .collect();
    let row =
        |path: &str, reason: &str| (format!("\"{path}\""), format!("\"{reason}\""), true.into());
    let expected = [
        row("blocked.jpg", "not_an_image"),
        row("book.psd", "unsupported_format"),
        row("dangling.jpg", "not_found"),
        row("link", "link_out"),
        row("token", "not_an_image"),
    ];
    assert_eq!(refused, expected);
    assert_eq!(
        summary["left_out"].as_array().map(Vec::len),
        Some(litter.len())
    );
    assert_eq!(summary["would_send"], 5);
}

#[test]
fn an_upload_that_cannot_begin_says_why_and_never_shows_the_token() {
    let root = two_folders();
    fs::write(root.path().join("m.csv"), "path,seen_at\nx.jpg,yesterday\n").expect("a file");
    let check = |to: &str, more: &[&str], code: i32, said: &str| {
        let output = upload(root.path(), to, more);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(said) && told.contains("hint: "), "{told}");
        assert!(!told.contains(TOKEN), "{told}");
    };
    check("http://homeward.example", &[], 2, "--to is not https");
    check("nowhere", &[], 2, "--to is not a URL");
    let metadata = ["--metadata", "m.csv"];
    check(
        "https://homeward.example",
        &metadata,
        1,
        "metadata row 2: seen_at",
    );
    let token = ["--token-file", "none"];
    check("https://homeward.example", &token, 1, "the token file");
    // No server listens on port 1.
    let impatient = ["--patience", "1"];
    check("http://127.0.0.1:1", &impatient, 3, "it cannot be reached");
    let both = upload(
        root.path(),
        "https://homeward.example",
        &["--bundle", "10", "--hashes-only"],
    );
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn dead_letters_of_a_fresh_folder_are_none() {
    let root = tempfile::tempdir().expect("a folder");
    let at = |arguments: &[&str]| homeward(arguments, root.path());
    assert_eq!(
        at(&["dead-letters", "--data", "none"]).status.code(),
        Some(1)
    );
    assert_eq!(at(&["dead-letters", "replay"]).status.code(), Some(2));
    drop(embedded::Embedded::open(&root.path().join("data")).expect("a data folder"));
    let listed = at(&["dead-letters", "--data", "data", "--json"]);
    assert_eq!(
        (listed.status.code(), text(&listed.stdout).trim()),
        (Some(0), "[]")
    );
    let listed = at(&["dead-letters", "--data", "data"]);
    assert_eq!(text(&listed.stdout), "");
    assert!(text(&listed.stderr).contains("nothing was given up"));
    let all = at(&[
        "dead-letters",
        "replay",
        "--all",
        "--data",
        "data",
        "--json",
    ]);
    assert_eq!(
        (all.status.code(), text(&all.stdout).trim()),
        (Some(0), "{\"replayed\":0}")
    );
    let one = at(&["dead-letters", "replay", "5d41402abc4b", "--data", "data"]);
    assert_eq!(one.status.code(), Some(1));
    assert!(text(&one.stderr).contains("hint: "));
}

#[test]
fn what_is_no_data_folder_is_refused_and_left_as_it_is() {
    let root = tempfile::tempdir().expect("a folder");
    let wrong = root.path().join("photos");
    fs::create_dir(&wrong).expect("a folder");
    fs::write(wrong.join("tables.db"), "no database").expect("a file");
    let before = fs::metadata(&wrong).expect("there");
    for command in [
        &["verify"][..],
        &["dead-letters"],
        &["dead-letters", "replay", "--all"],
    ] {
        for (name, said) in [
            ("photos", "this is no data folder of homeward serve"),
            ("nowhere", "there is no such data folder"),
            ("photos/tables.db", "there is no such data folder"),
        ] {
            let output = homeward(&[command, &["--data", name]].concat(), root.path());
            let told = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{command:?} {name}: {told}");
            assert!(told.contains(said) && told.contains("hint: "), "{told}");
            assert_eq!(text(&output.stdout), "", "{command:?} {name}");
        }
    }
    let after = fs::metadata(&wrong).expect("there");
    assert_eq!(
        after.modified().expect("told"),
        before.modified().expect("told")
    );
    assert_eq!(after.permissions(), before.permissions());
    assert!(!root.path().join("nowhere").exists());
}

/// A receipt that this seed signed, as its unit is given it.
fn receipt(seed: u8) -> (records::SignedReceipt, String) {
    let seed = records::Secret::from_bytes(&[seed; 32]).expect("a seed");
    let at = records::Timestamp::from_millis(0);
    let receipt = records::Receipt {
        format: records::Receipt::FORMAT.to_owned(),
        erasure_id: records::ErasureId::from_random(&[3; 16]),
        unit: records::TenantId::parse("unit").expect("a tenant"),
        reference_ids: Vec::new(),
        requested_at: at,
        done_at: at,
        removed: vec![records::Removed {
            store: "leads".to_owned(),
            removed: 6,
        }],
        remains: Vec::new(),
    };
    let key = records::Receipt::public_key(&seed).expect("a key");
    (receipt.signed(&seed).expect("signed"), key)
}

#[test]
fn a_receipt_proves_what_its_deployment_signed_and_nothing_else() {
    let root = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(root.path().join(name), text).expect("a file");
    let (signed, key) = receipt(1);
    let answer = serde_json::json!({ "state": "done", "receipt": signed });
    write("erasure.json", &answer.to_string());
    write("receipt.json", &serde_json::json!(signed).to_string());
    let check = |file: &str, key: Option<&str>, code: i32, said: &str| {
        let key = key.map_or(Vec::new(), |key| vec!["--key", key]);
        let arguments = [&["receipt", "verify", file], &key[..]].concat();
        let output = homeward(&arguments, root.path());
        let told = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{file}: {told}");
        assert!(told.contains(said), "{file}: {told}");
        assert!(code == 0 || told.contains("hint: "), "{file}: {told}");
    };
    check("erasure.json", Some(&key), 0, "\"proved\": true");
    check("receipt.json", Some(&key), 0, "\"removed\": 6");
    check(
        "erasure.json",
        None,
        1,
        "nothing says whose key signed this",
    );
    check("erasure.json", None, 1, "\"proved\": false");
    let (_, other) = receipt(2);
    check("erasure.json", Some(&other), 1, "signed with another key");
    check(
        "erasure.json",
        Some("no key"),
        1,
        "the public key is not base64",
    );
    check("erasure.json", Some(""), 1, "the public key is not base64");

    let counts_less = answer
        .to_string()
        .replace("\\\"removed\\\":6", "\\\"removed\\\":0");
    assert_ne!(counts_less, answer.to_string());
    write("less.json", &counts_less);
    check("less.json", Some(&key), 1, "one of them was changed");
    write(
        "pending.json",
        "{\"state\": \"pending\", \"receipt\": null}",
    );
    check("pending.json", Some(&key), 1, "not done yet");
    check("nowhere.json", Some(&key), 1, "cannot be read");
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("binary", vec![0xff; 100]),
        ("deep", vec![b'['; 100_000]),
        ("null", b"null".to_vec()),
        (
            "fields",
            b"{\"receipt\": 7, \"signature\": [], \"public_key\": {}}".to_vec(),
        ),
        ("large", vec![b' '; (16 << 20) + 1]),
    ] {
        fs::write(root.path().join(name), bytes).expect("a file");
        check(name, Some(&key), 1, "this is no receipt of an erasure");
    }
    assert_eq!(
        homeward(&["receipt", "verify"], root.path()).status.code(),
        Some(2)
    );
}

#[test]
fn serve_refuses_a_folder_with_other_things_in_it_and_leaves_it_alone() {
    let root = tempfile::tempdir().expect("a folder");
    fs::write(root.path().join("thesis.txt"), b"words").expect("written");
    let refused = homeward(&["serve", "--data", ".", "--port", "0"], root.path());
    let told = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("is no data folder and not empty"), "{told}");
    assert!(told.contains("hint: give --data an empty folder"), "{told}");
    let left: Vec<_> = fs::read_dir(root.path()).expect("read").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
