use std::fs;

use crate::support::{Place, files, photo};

#[test]
fn a_photo_gets_its_thumbnails_and_a_sheet() {
    let place = Place::new();
    place.write("cat.jpg", photo());
    let ended = place.flotilla(&[
        "thumbnail",
        "cat.jpg",
        "--sizes",
        "64,128x",
        "--format",
        "keep,webp",
    ]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let made = files(&place.path("thumbnails"));
    let expected = [
        ".flotilla/lock",
        "cat.jpg/128x.jpg",
        "cat.jpg/128x.webp",
        "cat.jpg/64.jpg",
        "cat.jpg/64.webp",
        "index.html",
    ];
    assert_eq!(made, expected);
    assert!(ended.stdout.contains("128x96"), "{}", ended.stdout);
    let sheet = fs::read_to_string(place.path("thumbnails/index.html")).unwrap();
    assert!(sheet.contains("./cat.jpg/64.webp"), "{sheet}");
}

#[test]
fn a_bad_photo_is_named_and_does_not_stop_the_others() {
    let place = Place::new();
    place.write("photos/1.jpg", photo());
    place.write("photos/2.jpg", "no photo");
    place.write("photos/3.heic", fixtures::encode::heic_header());
    place.write("photos/4/a.jpg", photo());
    let ended = place.flotilla(&["thumbnail", "photos", "--json"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let json = ended.json();
    assert_eq!(json["failed"], 2);
    let photos: Vec<(&str, bool)> = json["photos"]
        .as_array()
        .unwrap()
        .iter()
        .map(|photo| (photo["photo"].as_str().unwrap(), photo["error"].is_null()))
        .collect();
    let expected = [
        ("photos/1.jpg", true),
        ("photos/2.jpg", false),
        ("photos/3.heic", false),
        ("photos/4/a.jpg", true),
    ];
    assert_eq!(photos, expected);
    for said in ["photos/2.jpg: ", "HEIC"] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    assert!(place.path("thumbnails/4-a.jpg/256.jpg").is_file());
}

#[test]
fn thumbnails_are_no_photos_of_the_next_run() {
    let place = Place::new();
    place.write("cat.jpg", photo());
    for _ in 0..2 {
        let json = place.flotilla(&["thumbnail", ".", "--json"]).json();
        assert_eq!(json["photos"].as_array().unwrap().len(), 1, "{json}");
    }
}
