use std::fs;

use futures_util::TryStreamExt as _;
use tempfile::TempDir;

use super::*;

struct Fixture {
    folder: TempDir,
    objects: DirectoryObjects,
    journal: Journal,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let out = Arc::new(OutFolder::open(&folder.path().join("out")).unwrap());
    let journal = Journal::default();
    let sources = vec![folder.path().join("objects")];
    Fixture {
        objects: DirectoryObjects::new(sources, out, journal.clone()),
        journal,
        folder,
    }
}

impl Fixture {
    fn place(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.path().join("objects").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    async fn read(&self, key: &str, version: Option<&str>) -> Result<Bytes, ObjectsError> {
        let source = ObjectRef {
            version: version.map(str::to_owned),
            ..ObjectRef::current("uploads", key)
        };
        self.objects
            .get(&source, 100)
            .await
            .map(|object| object.bytes)
    }

    async fn write(
        &self,
        key: &str,
        bytes: &str,
        condition: Condition,
    ) -> Result<String, ObjectsError> {
        self.objects.put(object(key, bytes), condition).await
    }

    fn effects(&self) -> Vec<(EffectKind, String)> {
        let effects = self.journal.take();
        effects
            .into_iter()
            .map(|effect| (effect.kind, effect.name))
            .collect()
    }
}

fn object(key: &str, bytes: &str) -> NewObject {
    NewObject {
        bucket: "thumbs".to_owned(),
        key: key.to_owned(),
        bytes: Bytes::copy_from_slice(bytes.as_bytes()),
        content_type: "text/plain".to_owned(),
        cache_control: None,
        metadata: BTreeMap::new(),
    }
}

#[tokio::test]
async fn a_source_is_looked_for_from_the_most_exact_name_to_the_least() {
    let fixture = fixture();
    let names = [
        "a b.jpg",
        "a b.jpg@v1",
        "uploads/a b.jpg",
        "uploads/a b.jpg@v1",
    ];
    for name in names {
        fixture.place(name, name.as_bytes());
        let read = fixture.read("a b.jpg", Some("v1")).await;
        assert_eq!(read.unwrap(), name.as_bytes());
    }
    assert_eq!(
        fixture.read("a b.jpg", None).await.unwrap(),
        "uploads/a b.jpg"
    );
    assert_eq!(
        fixture.read("a b.jpg", Some("v2")).await.unwrap(),
        "uploads/a b.jpg"
    );
}

#[tokio::test]
async fn a_source_whose_key_is_no_file_name_may_have_the_escaped_one() {
    let fixture = fixture();
    fixture.place("uploads/a/=-/b.jpg", b"1");
    assert_eq!(fixture.read("a//b.jpg", None).await.unwrap(), "1");
}

#[tokio::test]
async fn a_source_never_lies_outside_of_its_folder() {
    let fixture = fixture();
    fs::write(fixture.folder.path().join("secret.txt"), "s").unwrap();
    fixture.place("uploads/x.jpg", b"1");
    let absolute = fixture.folder.path().join("secret.txt");
    for key in [
        "../../secret.txt",
        "../secret.txt",
        absolute.to_str().unwrap(),
        "x\0.jpg",
        "",
    ] {
        let read = fixture.read(key, None).await;
        assert!(
            matches!(read, Err(ObjectsError::NotFound(_))),
            "{key:?}: {read:?}"
        );
    }
}

#[tokio::test]
async fn a_directory_in_place_of_a_source_is_a_failure_of_the_store() {
    let fixture = fixture();
    fixture.place("uploads/photos/x.jpg", b"1");
    let read = fixture.read("photos", None).await;
    assert!(
        matches!(read, Err(ObjectsError::Unavailable { .. })),
        "{read:?}"
    );
}

#[tokio::test]
async fn a_source_over_the_limit_is_refused() {
    let fixture = fixture();
    fixture.place("uploads/x.jpg", &[0; 101]);
    let read = fixture.read("x.jpg", None).await;
    assert!(matches!(
        read,
        Err(ObjectsError::TooLarge {
            actual: 101,
            limit: 100,
            ..
        })
    ));
}

#[tokio::test]
async fn a_source_that_was_read_is_copied_for_the_report() {
    let fixture = fixture();
    fixture.place("uploads/x.jpg", b"1");
    fixture.read("x.jpg", Some("v1")).await.unwrap();
    let copy = fixture
        .folder
        .path()
        .join("out")
        .join(source_path("uploads", "x.jpg", Some("v1")));
    assert_eq!(fs::read(copy).unwrap(), b"1");
    assert_eq!(fixture.effects(), []);
}

#[tokio::test]
async fn a_source_is_read_in_parts_as_it_was_when_it_was_opened() {
    let fixture = fixture();
    fixture.place("uploads/x.jpg", b"0123456789");
    let source = ObjectRef::current("uploads", "x.jpg");
    let read = |chunks: Chunks| async { chunks.try_collect::<Vec<_>>().await.unwrap().concat() };
    let opened = fixture.objects.open(&source, 4, 10).await.unwrap();
    assert_eq!((opened.length, opened.head_end), (10, 4));
    assert_eq!(read(opened.head).await, b"0123");
    fixture.place("uploads/x.jpg", b"abc");
    let part = opened.parts.part(4..9).await.unwrap();
    assert_eq!(read(part).await, b"45678");

    let opened = fixture.objects.open(&source, 4, 10).await.unwrap();
    assert_eq!((opened.length, opened.head_end), (3, 3));
    let error = fixture.objects.open(&source, 1, 2).await.unwrap_err();
    assert!(matches!(error, ObjectsError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_conditional_write_takes_place_only_while_its_condition_holds() {
    let fixture = fixture();
    let changed = Err(ObjectsError::ConditionFailed("s3://thumbs/k".to_owned()));
    let unchanged = |etag: &str| Condition::Unchanged(etag.to_owned());
    assert_eq!(fixture.write("k", "1", unchanged("none")).await, changed);
    let first = fixture.write("k", "1", Condition::Absent).await.unwrap();
    assert_eq!(fixture.write("k", "2", Condition::Absent).await, changed);
    let second = fixture.write("k", "2", unchanged(&first)).await.unwrap();
    assert_eq!(fixture.write("k", "3", unchanged(&first)).await, changed);
    let read = fixture
        .objects
        .get(&ObjectRef::current("thumbs", "k"), 9)
        .await
        .unwrap();
    assert_eq!((read.bytes, read.etag), (Bytes::from("2"), second));
}

#[tokio::test]
async fn writing_the_same_again_is_no_effect_and_other_metadata_is_one() {
    let fixture = fixture();
    let written = (EffectKind::ObjectWritten, "s3://thumbs/k".to_owned());
    fixture.write("k", "1", Condition::None).await.unwrap();
    assert_eq!(fixture.effects(), std::slice::from_ref(&written));
    fixture.write("k", "1", Condition::None).await.unwrap();
    assert_eq!(fixture.effects(), []);
    let mut other = object("k", "1");
    other
        .metadata
        .insert("sequencer".to_owned(), "2".to_owned());
    fixture.objects.put(other, Condition::None).await.unwrap();
    assert_eq!(fixture.effects(), [written]);
}

#[tokio::test]
async fn a_deletion_is_an_effect_once() {
    let fixture = fixture();
    fixture.write("k", "1", Condition::None).await.unwrap();
    fixture.effects();
    fixture.objects.delete("thumbs", "k").await.unwrap();
    assert_eq!(
        fixture.effects(),
        [(EffectKind::ObjectDeleted, "s3://thumbs/k".to_owned())]
    );
    fixture.objects.delete("thumbs", "k").await.unwrap();
    assert_eq!(fixture.effects(), []);
    let read = fixture
        .objects
        .get(&ObjectRef::current("thumbs", "k"), 9)
        .await;
    assert!(matches!(read, Err(ObjectsError::NotFound(_))));
}

#[tokio::test]
async fn a_list_finds_every_key_with_the_prefix_and_no_other() {
    let fixture = fixture();
    let long = format!("a/b/{}", "x/".repeat(400));
    for key in ["a/b/1.jpg", "a/b.jpg", "a/b", "a/bc/2", "b/1", &long] {
        fixture.write(key, "1", Condition::None).await.unwrap();
    }
    let list = async |prefix: &str| fixture.objects.list("thumbs", prefix).await.unwrap();
    assert_eq!(list("a/b/").await, ["a/b/1.jpg", &long]);
    assert_eq!(
        list("a/b").await,
        ["a/b", "a/b.jpg", "a/b/1.jpg", &long, "a/bc/2"]
    );
    assert_eq!(list("").await.len(), 6);
    assert_eq!(list("c").await, [""; 0]);
}

#[tokio::test]
async fn what_a_crash_left_of_an_object_does_not_exist() {
    for lost in ["objects/thumbs/k=", "metadata/thumbs/k=.json"] {
        let fixture = fixture();
        fixture.write("k", "1", Condition::None).await.unwrap();
        fs::remove_file(fixture.folder.path().join("out").join(lost)).unwrap();
        assert_eq!(fixture.objects.list("thumbs", "").await.unwrap(), [""; 0]);
        let read = fixture
            .objects
            .get(&ObjectRef::current("thumbs", "k"), 9)
            .await;
        assert!(matches!(read, Err(ObjectsError::NotFound(_))), "{read:?}");
        assert!(fixture.write("k", "1", Condition::Absent).await.is_ok());
    }
}

#[tokio::test]
async fn a_kept_rejection_is_named_as_such() {
    let fixture = fixture();
    fixture
        .write("rejected/thumbnails/1.json", "{}", Condition::None)
        .await
        .unwrap();
    assert_eq!(fixture.effects()[0].0, EffectKind::RejectionKept);
}
