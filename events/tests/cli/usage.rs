use crate::support::{Place, upload};

/// Ends with status 2, prints nothing on standard output, and says something of use.
fn complaint(place: &Place, arguments: &[&str]) -> String {
    let ended = place.flotilla(arguments);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert_eq!(ended.stdout, "");
    ended.stderr
}

#[test]
fn a_wrong_command_says_what_to_type() {
    let place = Place::new();
    place.event("event.json", &upload("cat.jpg"));
    std::fs::create_dir(place.path("empty")).unwrap();
    for (arguments, said) in [
        (&["replay"][..], "flotilla replay events"),
        (&["replay", "missing.json"], "missing.json"),
        (
            &["replay", "empty"],
            "there is no .json or .jsonl file in empty",
        ),
        (&["replay", "event.json", "--objects", "nowhere"], "nowhere"),
        (
            &["replay", "event.json", "--worker", "nobody"],
            "thumbnails, welcome-mail",
        ),
        (
            &["replay", "event.json", "--out", "event.json"],
            "event.json",
        ),
        (&["replay", "event.json", "--frobnicate"], "--frobnicate"),
        (&["thumbnail"], "flotilla thumbnail photo.jpg"),
        (&["thumbnail", "missing.jpg"], "missing.jpg"),
        (&["thumbnail", "empty"], "there is no photo in empty"),
        (&["thumbnail", "event.json", "--sizes", "0"], "--sizes"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let complaint = complaint(&place, arguments);
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
    }
    assert!(!place.path("out").exists(), "nothing ran");
}

#[test]
fn a_wrong_configuration_never_starts() {
    let place = Place::new();
    place.event("event.json", &upload("cat.jpg"));
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_flotilla"))
        .args(["replay", "event.json"])
        .current_dir(place.path(""))
        .env_clear()
        .env("THUMBNAIL_SIZES", "enormous")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(stderr.contains("THUMBNAIL_SIZES"), "{stderr}");
}

#[test]
fn every_command_has_help_with_examples() {
    let place = Place::new();
    for arguments in [
        &["--help"][..],
        &["replay", "--help"],
        &["thumbnail", "--help"],
        &["up", "--help"],
        &["status", "--help"],
        &["down", "--help"],
        &["new", "--help"],
        &["new", "worker", "--help"],
    ] {
        let ended = place.flotilla(arguments);
        assert_eq!(ended.status, Some(0));
        assert!(ended.stdout.contains("Examples:"), "{}", ended.stdout);
    }
    let version = place.flotilla(&["--version"]).stdout;
    assert!(version.starts_with("flotilla "), "{version}");
}
