//! Pointers move forward only, from every writer.

use std::sync::Arc;

use assay_model::port::{Moved, PointerKey, PointerKind, PointerMove, SnapshotRecord as _};

use super::Folder;

#[test]
fn a_build_that_started_before_an_override_does_not_replace_it_and_the_next_one_does() {
    let folder = Folder::new();
    let store = folder.open();
    let wish = |image: &str, build_start, override_start| PointerMove {
        key: PointerKey { group: "g".to_owned(), component: "c".to_owned(), version: "v".to_owned() },
        kind: PointerKind::Latest,
        image: image.to_owned(),
        source: serde_json::Value::Null,
        build_start,
        override_start,
    };
    let moved = |wish| store.move_pointers(vec![wish]).unwrap().remove(0);
    assert_eq!(moved(wish("a", 10, None)), Moved::Moved);
    assert_eq!(moved(wish("override", 5, Some(20))), Moved::Moved);
    assert_eq!(moved(wish("override", 5, Some(20))), Moved::Unchanged);
    assert_eq!(moved(wish("b", 15, None)), Moved::Stale { fence: 20 });
    assert_eq!(moved(wish("c", 21, None)), Moved::Moved);
}

#[test]
fn two_writers_lose_no_pointer() {
    let folder = Folder::new();
    let store = Arc::new(folder.open());
    let threads: Vec<_> = (0..4_i64)
        .map(|thread| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                for number in 0..25_i64 {
                    let wish = PointerMove {
                        key: PointerKey {
                            group: "g".to_owned(),
                            component: format!("c{}", number % 5),
                            version: String::new(),
                        },
                        kind: PointerKind::Latest,
                        image: format!("i{thread}-{number}"),
                        source: serde_json::Value::Null,
                        build_start: number * 10 + thread,
                        override_start: None,
                    };
                    store.move_pointers(vec![wish]).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let starts: Vec<_> = store.pointers("g", PointerKind::Latest).unwrap().iter().map(|at| at.build_start).collect();
    assert_eq!(starts, [203, 213, 223, 233, 243]);
}
