//! A stream is cut into batches in any way, delivered again in any way, and every call of the table may fail: the counts
//! are those of the distinct views.

use proptest::prelude::*;

use super::*;

/// One view of the stream. Few ids, so that many are sent twice.
type Sent = (u8, u8);

/// What happens around one call of the worker.
#[derive(Debug, Clone)]
enum Mishap {
    Nothing,
    GetFails,
    WriteFails,
    AnswerIsLost,
    /// The answer of the function is lost: Lambda delivers the batch again.
    Delivered,
}

#[derive(Debug, Clone)]
struct Call {
    /// How many records the batch has.
    length: usize,
    mishap: Mishap,
    /// How many records before the last success are delivered once more, as when a mapping is made anew.
    back: usize,
}

fn call() -> impl Strategy<Value = Call> {
    let mishap = prop_oneof![
        3 => Just(Mishap::Nothing),
        1 => Just(Mishap::GetFails),
        1 => Just(Mishap::WriteFails),
        1 => Just(Mishap::AnswerIsLost),
        1 => Just(Mishap::Delivered),
    ];
    (
        1_usize..9,
        mishap,
        prop_oneof![4 => Just(0), 1 => 1_usize..12],
    )
        .prop_map(|(length, mishap, back)| Call {
            length,
            mishap,
            back,
        })
}

/// The distinct views of a stream, by post: a view's id says its post, as that of a real one does.
fn distinct(stream: &[Sent], posts: u8) -> BTreeMap<String, u64> {
    let ids: std::collections::BTreeSet<u8> = stream.iter().map(|(id, _)| *id).collect();
    let mut counts = BTreeMap::new();
    for id in ids {
        *counts.entry(post(id, posts)).or_default() += 1;
    }
    counts
}

fn post(id: u8, posts: u8) -> String {
    format!("post-{}", id % posts)
}

/// Sequence numbers that grow by `gap` and cross a power of ten.
fn record(index: usize, (id, gap): Sent, before: &mut u64, posts: u8) -> Value {
    *before += u64::from(gap) + 1;
    if gap == 255 {
        // Not every record is a view.
        return carrying(0, *before, format!("poison {index}").as_bytes());
    }
    view(*before, &format!("view-{id}"), &post(id, posts))
}

/// Delivers the stream as Lambda does, with mishaps while there are any left, until its end is reached.
async fn deliver(desk: &Desk, stream: &[Value], calls: Vec<Call>) {
    let mut position = 0;
    let mut calls = calls.into_iter();
    while position < stream.len() {
        let call = calls.next().unwrap_or(Call {
            length: 5,
            mishap: Mishap::Nothing,
            back: 0,
        });
        let start = position.saturating_sub(call.back);
        let end = (position + call.length).min(stream.len());
        match call.mishap {
            Mishap::GetFails => {
                desk.table
                    .fail_once(TableOperation::Get, CHECKPOINTS, unavailable());
            }
            Mishap::WriteFails => {
                desk.table
                    .fail_once(TableOperation::Write, CHECKPOINTS, unavailable());
            }
            Mishap::AnswerIsLost => desk.table.lose_answer_once(CHECKPOINTS),
            Mishap::Nothing | Mishap::Delivered => {}
        }
        let batch = &stream[start..end];
        let handled = desk.handle(batch).await;
        if matches!(call.mishap, Mishap::Delivered) {
            desk.handle(batch).await;
        }
        position = match checkpoint(&handled) {
            None => end,
            Some(id) => {
                let failed = |record: &Value| record["kinesis"]["sequenceNumber"] == id.as_str();
                start + batch.iter().position(failed).unwrap()
            }
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn however_a_stream_is_delivered_each_view_is_counted_once(
        sent in prop::collection::vec((0_u8..30, prop_oneof![5 => 0_u8..4, 1 => Just(255)]), 1..60),
        calls in prop::collection::vec(call(), 0..30),
        posts in 1_u8..8,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let desk = Desk::new();
        let mut sequence = 90;
        let stream: Vec<Value> = sent
            .iter()
            .enumerate()
            .map(|(index, sent)| record(index, *sent, &mut sequence, posts))
            .collect();
        runtime.block_on(deliver(&desk, &stream, calls));
        let views: Vec<Sent> = sent.into_iter().filter(|(_, gap)| *gap != 255).collect();
        let counts: BTreeMap<String, u64> = desk
            .counts()
            .into_iter()
            .map(|((post, _), views)| (post, views))
            .collect();
        prop_assert_eq!(counts, distinct(&views, posts));
        prop_assert_eq!(desk.rejections.all().len(), stream.len() - views.len());
    }

    #[test]
    fn what_a_shard_remembers_does_not_depend_on_how_it_was_cut(
        sent in prop::collection::vec((0_u8..30, 0_u8..4), 1..60),
        calls in prop::collection::vec(call(), 0..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // So few that a view is forgotten in the middle.
        let (one, other) = (Desk::remembering("4"), Desk::remembering("4"));
        let mut sequence = 90;
        let stream: Vec<Value> = sent
            .iter()
            .enumerate()
            .map(|(index, sent)| record(index, *sent, &mut sequence, 5))
            .collect();
        runtime.block_on(async {
            deliver(&one, &stream, calls).await;
            other.handle(&stream).await;
        });
        prop_assert_eq!(one.counts(), other.counts());
    }
}
