//! A photo gets the same thumbnails by whichever route the notice comes.

use fixtures::encode::{self, JpegOptions};
use serde_json::{Value, json};

use crate::photos::{
    Desk, THUMBNAILS, UPLOADS, created, fates, jpeg, marked_deleted, message, record, told,
};

/// The same change by every route.
fn routes(kind: &str, version: &str, sequencer: &str) -> Vec<(&'static str, Value)> {
    let name = match kind {
        "Object Created" => "ObjectCreated:Put",
        _ => "ObjectRemoved:DeleteMarkerCreated",
    };
    let s3 = json!({ "Records": [record(name, "photos/cat.jpg", Some(version), sequencer)] });
    let bridge = json!({
        "version": "0", "id": "1", "detail-type": kind, "source": "aws.s3",
        "detail": {
            "bucket": {"name": UPLOADS},
            "object": {"key": "photos/cat.jpg", "version-id": version, "sequencer": sequencer},
            "deletion-type": "Delete Marker Created",
        },
    });
    let sns = json!({"Type": "Notification", "TopicArn": "arn", "Message": s3.to_string()});
    let sqs = |body: &Value| json!({ "Records": [message("1", body.to_string())] });
    vec![
        ("s3", s3.clone()),
        (
            "sns",
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": s3.to_string()}}]}),
        ),
        ("sqs", sqs(&s3)),
        ("sns in sqs", sqs(&sns)),
        ("eventbridge", bridge.clone()),
        ("eventbridge in sqs", sqs(&bridge)),
    ]
}

#[tokio::test]
async fn every_route_makes_the_same_thumbnails_and_takes_them_away() {
    for ((route, put), (_, delete)) in
        routes("Object Created", "v1", "01")
            .into_iter()
            .zip(routes("Object Deleted", "m1", "02"))
    {
        let desk = Desk::new();
        desk.objects
            .place(UPLOADS, "photos/cat.jpg", Some("v1"), jpeg(1));
        let handled = desk.handle(put.clone()).await;
        assert_eq!(fates(&handled), ["done/applied"], "{route}");
        assert!(handled.response().is_ok(), "{route}");
        let manifest = desk.manifest("photos/cat.jpg").unwrap();
        let sizes: Vec<_> = manifest
            .outputs
            .iter()
            .map(|output| (output.width, output.height))
            .collect();
        assert_eq!(sizes, [(64, 48), (32, 24)], "{route}");

        desk.objects.take_journal();
        assert_eq!(
            fates(&desk.handle(put).await),
            ["done/duplicate"],
            "{route}"
        );
        assert_eq!(desk.objects.take_journal(), [""; 0], "{route}");

        assert_eq!(
            fates(&desk.handle(delete).await),
            ["done/applied"],
            "{route}"
        );
        assert_eq!(desk.keys("thumbnails/"), [""; 0], "{route}");
        assert_eq!(desk.keys("manifests/"), [""; 0], "{route}");
    }
}

#[tokio::test]
async fn what_is_written_can_be_cached_and_traced_to_its_source() {
    let desk = Desk::new();
    desk.objects
        .place(UPLOADS, "photos/cat.jpg", Some("v1"), jpeg(1));
    desk.fate(created("photos/cat.jpg", "v1", "0A")).await;
    let manifest = desk.manifest("photos/cat.jpg").unwrap();
    for output in &manifest.outputs {
        let object = desk.objects.object(THUMBNAILS, &output.key).unwrap();
        assert_eq!(object.content_type, "image/jpeg");
        assert_eq!(
            object.cache_control.as_deref(),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(object.metadata["flotilla-source-version"], "v1");
        assert_eq!(object.metadata["flotilla-recipe"], manifest.recipe);
        assert_eq!(u64::try_from(object.bytes.len()).unwrap(), output.bytes);
        let decoded =
            image::load_from_memory(&encode::png(&thumbnail_pixels(&object.bytes))).unwrap();
        assert_eq!(
            (decoded.width(), decoded.height()),
            (output.width, output.height)
        );
    }
    let folder = format!(
        "thumbnails/{UPLOADS}/photos/cat.jpg/~vv1/{}",
        manifest.recipe
    );
    assert_eq!(
        manifest.srcset,
        format!("/{folder}/32.jpg 32w, /{folder}/64.jpg 64w")
    );
    assert_eq!(manifest.source.sequencer.as_str(), "0A");
    assert!(manifest.thumbhash.len() > 20);
}

/// The pixels of a thumbnail, by a decoder that the pipeline does not use for its own output.
fn thumbnail_pixels(bytes: &[u8]) -> image::RgbImage {
    let plan = thumbnailer::Plan {
        sizes: vec![thumbnailer::Size::square(1024)],
        formats: vec![thumbnailer::OutputFormat::Png],
        ..thumbnailer::Plan::default()
    };
    let made =
        thumbnailer::thumbnails(bytes, &plan, &thumbnailer::Limits::sane_defaults()).unwrap();
    image::load_from_memory(&made.images[0].bytes)
        .unwrap()
        .to_rgb8()
}

#[tokio::test]
async fn photos_of_the_same_stem_do_not_collide() {
    let desk = Desk::new();
    desk.objects
        .place(UPLOADS, "photos/a.jpg", Some("v1"), jpeg(1));
    desk.objects.place(
        UPLOADS,
        "photos/a.png",
        Some("v1"),
        encode::png(&fixtures::photo(80, 80, 2)),
    );
    let event = json!({"Records": [created("photos/a.jpg", "v1", "01"), created("photos/a.png", "v1", "01")]});
    assert_eq!(
        fates(&desk.handle(event).await),
        ["done/applied", "done/applied"]
    );
    assert_eq!(desk.keys("thumbnails/").len(), 4);
    assert_eq!(
        desk.manifest("photos/a.jpg").unwrap().source.content_type,
        "image/jpeg"
    );
    assert_eq!(
        desk.manifest("photos/a.png").unwrap().source.content_type,
        "image/png"
    );
}

#[tokio::test]
async fn an_encoded_key_finds_its_photo() {
    let desk = Desk::new();
    let options = JpegOptions {
        exif_orientation: Some(6),
        ..JpegOptions::default()
    };
    let upright = encode::jpeg(&fixtures::photo(96, 72, 3), &options);
    desk.objects
        .place(UPLOADS, "photos/mùa hè + 100%.jpg", Some("v1"), upright);
    let encoded = "photos/m%C3%B9a+h%C3%A8+%2B+100%25.jpg";
    assert_eq!(
        desk.fate(created(encoded, "v1", "01")).await,
        "done/applied"
    );
    let manifest = desk
        .manifest("photos/m~C3~B9a~20h~C3~A8~20~2B~20100~25.jpg")
        .unwrap();
    assert_eq!(manifest.source.key, "photos/mùa hè + 100%.jpg");
    assert_eq!((manifest.source.width, manifest.source.height), (72, 96));
}

#[tokio::test]
async fn a_message_may_tell_of_several_photos() {
    let desk = Desk::new();
    desk.objects
        .place(UPLOADS, "photos/1.jpg", Some("v1"), jpeg(1));
    desk.objects
        .place(UPLOADS, "photos/2.jpg", Some("v1"), jpeg(2));
    let body = json!({"Records": [created("photos/1.jpg", "v1", "01"), created("photos/2.jpg", "v1", "01")]});
    let event = json!({"Records": [
        message("m1", body.to_string()),
        told("m2", &marked_deleted("photos/3.jpg", "01")),
    ]});
    let handled = desk.handle(event).await;
    assert_eq!(fates(&handled), ["done/applied", "done/applied"]);
    assert_eq!(
        handled.records[0].subject,
        "s3://uploads/photos/1.jpg, s3://uploads/photos/2.jpg"
    );
    let count = |name| {
        handled
            .metrics
            .iter()
            .find(|metric| metric.name == name)
            .unwrap()
            .value
    };
    assert!((count("ThumbnailsWritten") - 4.0).abs() < f64::EPSILON);
    assert!((count("PhotosWorked") - 2.0).abs() < f64::EPSILON);
}
