//! The contract of a disc file, tried at every place where a process can be killed.

use std::fs;

use proptest::prelude::*;

use super::backing::{Backing, Sparse};
use super::journal::AREA;
use super::*;
use crate::rng::Seed;

fn bytes(store: &Store) -> Sparse {
    match &store.backing {
        Backing::Memory(memory) => memory.clone(),
        Backing::File(_) => panic!("a store in memory"),
    }
}

fn patched(base: &Sparse, offset: u64, patch: &[u8]) -> Backing {
    let mut backing = Backing::Memory(base.clone());
    backing.write_at(offset, patch).unwrap();
    backing
}

fn recovered(backing: Backing) -> Result<Replay, StoreErrorKind> {
    Store::recover("memory".into(), backing).map(|(_, replay)| replay).map_err(|e| e.kind)
}

/// Where the next frame goes.
fn tail(store: &Store) -> u64 {
    super::journal::tests::tail(&store.journal)
}

fn sample() -> Store {
    let mut store = Store::memory(b"a header").unwrap();
    store.append(b"one").unwrap();
    store.append(b"").unwrap();
    store.append(b"three, which is longer than eight bytes").unwrap();
    store
}

#[test]
fn what_was_appended_before_a_torn_record_is_there_and_nothing_else() {
    let mut store = sample();
    let before = bytes(&store);
    let at = tail(&store);
    let old = recovered(Backing::Memory(before.clone())).unwrap();
    assert_eq!(old.records.len(), 3);
    store.append(b"the record that is torn").unwrap();
    for cut in 0..store.frame.len() {
        let replay = recovered(patched(&before, at, &store.frame[..cut])).unwrap();
        assert_eq!(replay, old, "cut after {cut} bytes");
    }
    let whole = recovered(patched(&before, at, &store.frame)).unwrap();
    assert_eq!(whole.records[3], b"the record that is torn");
}

#[test]
fn after_a_torn_record_appending_goes_on_where_it_was_cut() {
    let mut store = sample();
    let before = bytes(&store);
    let at = tail(&store);
    store.append(&[7; 300]).unwrap();
    let torn = patched(&before, at, &store.frame[..200]);
    let (mut again, _) = Store::recover("memory".into(), torn).unwrap();
    again.append(b"short").unwrap();
    let (_, replay) = again.fork().unwrap().unwrap();
    assert_eq!(replay.records.last().map(Vec::as_slice), Some(&b"short"[..]));
    assert_eq!(replay.records.len(), 4);
}

#[test]
fn a_snapshot_replaces_all_records_or_nothing_at_every_byte() {
    let mut store = sample();
    store.snapshot(b"state one").unwrap();
    store.append(b"after one").unwrap();
    let before = bytes(&store);
    let old = recovered(Backing::Memory(before.clone())).unwrap();
    assert_eq!(old.snapshot.as_deref(), Some(&b"state one"[..]));
    store.snapshot(b"state two").unwrap();
    // It went to the start of the first area, over the frames of the first generation.
    let at = super::header::JOURNAL_AT;
    for cut in 0..store.frame.len() {
        let replay = recovered(patched(&before, at, &store.frame[..cut])).unwrap();
        assert_eq!(replay, old, "cut after {cut} bytes");
    }
    let (mut store, replay) = store.fork().unwrap().unwrap();
    assert_eq!(replay.snapshot.as_deref(), Some(&b"state two"[..]));
    assert_eq!(replay.records, Vec::<Vec<u8>>::new());
    // The old frames behind the new snapshot stay dead as the new ones run over them.
    for n in 0..6_u8 {
        store.append(&[n; 3]).unwrap();
        let (_, replay) = store.fork().unwrap().unwrap();
        assert_eq!(replay.records.len(), usize::from(n) + 1);
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_cuts_the_last_record() {
    let store = sample();
    let base = bytes(&store);
    let old = recovered(Backing::Memory(base.clone())).unwrap();
    let journal = super::header::JOURNAL_AT..tail(&store);
    let last = journal.end - 24 - 39;
    for at in (0..32).chain(journal) {
        for bit in 0..8 {
            let mut byte = [0];
            Backing::Memory(base.clone()).read_at(at, &mut byte).unwrap();
            byte[0] ^= 1 << bit;
            match recovered(patched(&base, at, &byte)) {
                Ok(replay) => {
                    assert!(at >= last, "bit {bit} of byte {at} passes");
                    assert_eq!(replay.records, old.records[..2]);
                }
                Err(StoreErrorKind::Damaged { .. }) => assert!(at < last),
                Err(StoreErrorKind::Newer { .. }) => assert!((8..12).contains(&at)),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_damaged_live_snapshot_does_not_pass_for_one_never_finished() {
    let mut store = sample();
    store.snapshot(b"state").unwrap();
    store.append(b"record").unwrap();
    let at = super::header::JOURNAL_AT + AREA + 26;
    let result = recovered(patched(&bytes(&store), at, &[0]));
    assert!(matches!(result, Err(StoreErrorKind::Damaged { .. })), "{result:?}");
}

#[test]
fn data_written_before_a_record_is_there_with_it() {
    let mut store = Store::memory(&[]).unwrap();
    let mut twin = None;
    for n in 0..40_u8 {
        store.write(u64::from(n) * 1000, &[n; 2 * SLOT]).unwrap();
        store.append(&[n]).unwrap();
        if n == 20 {
            twin = Some(store.fork().unwrap().unwrap());
        }
    }
    let (twin, replay) = twin.unwrap();
    assert_eq!(replay.records.len(), 21);
    for n in 0..40_u8 {
        let mut room = vec![1; 3 * SLOT];
        twin.read(u64::from(n) * 1000, &mut room).unwrap();
        let expect = if n <= 20 { n } else { 0 };
        assert!(room[..2 * SLOT].iter().all(|&b| b == expect));
        assert!(room[2 * SLOT..].iter().all(|&b| b == 0));
    }
}

#[test]
fn a_full_journal_says_so_and_a_snapshot_makes_room() {
    let mut store = Store::memory(&[]).unwrap();
    let record = vec![5; 1 << 20];
    let mut count = 0;
    while store.append(&record).is_ok() {
        assert_eq!(store.wants_snapshot(), count >= 7, "after {count} records");
        count += 1;
    }
    assert_eq!(count, 15);
    store.snapshot(b"all").unwrap();
    assert!(!store.wants_snapshot());
    store.append(&record).unwrap();
    let kind = store.snapshot(&vec![1; AREA as usize]).unwrap_err().kind;
    assert_eq!(kind, StoreErrorKind::TooLarge { what: "the snapshot" });
}

#[test]
fn slots_past_any_disc_are_refused() {
    let mut store = Store::memory(&[]).unwrap();
    store.write(SLOTS - 1, &[1; SLOT]).unwrap();
    for slot in [SLOTS, u64::MAX] {
        let error = store.write(slot, &[1; SLOT]).unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::TooLarge { .. }));
        assert!(store.read(slot, &mut [0; SLOT]).is_err());
    }
    assert!(store.write(SLOTS - 1, &[0; 2 * SLOT]).is_err());
}

#[test]
fn a_file_keeps_what_it_was_given_and_is_locked_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.disc");
    let mut store = Store::create(&path, b"hello").unwrap();
    store.write(12_219_391, &[9; SLOT]).unwrap();
    store.append(b"last block").unwrap();
    assert_eq!(Store::open(&path).unwrap_err().kind, StoreErrorKind::InUse);
    assert_eq!(Store::create(&path, b"").unwrap_err().kind, StoreErrorKind::Exists);
    drop(store);
    let (mut store, replay) = Store::open(&path).unwrap();
    assert_eq!(replay.header, b"hello");
    assert_eq!(replay.records, [b"last block"]);
    let mut room = [0; SLOT];
    store.read(12_219_391, &mut room).unwrap();
    assert_eq!(room, [9; SLOT]);
    store.read(0, &mut room).unwrap();
    assert_eq!(room, [0; SLOT]);
    store.sync().unwrap();
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["a.disc"]);
}

#[cfg(unix)]
#[test]
fn zeros_take_no_room_where_nothing_was() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zeros.disc");
    let mut store = Store::create(&path, &[]).unwrap();
    for slot in (0..320_000).step_by(32) {
        store.write(slot, &[0; 32 * SLOT]).unwrap();
    }
    assert!(fs::metadata(&path).unwrap().blocks() < 64);
    // Over data, they are written.
    store.write(7, &[3; SLOT]).unwrap();
    store.write(0, &[0; 32 * SLOT]).unwrap();
    let mut room = [1; SLOT];
    store.read(7, &mut room).unwrap();
    assert_eq!(room, [0; SLOT]);
}

#[test]
fn a_file_that_is_no_disc_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some.file");
    assert_eq!(Store::open(&path).unwrap_err().kind, StoreErrorKind::Missing);
    let good = {
        let path = dir.path().join("good");
        let mut store = Store::create(&path, b"blob").unwrap();
        store.write(0, &[1; 4 * SLOT]).unwrap();
        store.append(b"r").unwrap();
        drop(store);
        fs::read(&path).unwrap()
    };
    let mut newer = good.clone();
    newer[8] = 9;
    let mut garbage = vec![0; 100_000];
    Seed(3).stream("garbage").fill(&mut garbage);
    let cut = good.len() - 100;
    for (content, offset) in [
        (vec![], Some(0)),
        (b"KILN".to_vec(), Some(0)),
        (garbage, Some(0)),
        (good[..30].to_vec(), Some(30)),
        (good[..1 << 20].to_vec(), Some(1 << 20)),
        (good[..cut].to_vec(), Some(cut as u64)),
        (newer, None),
    ] {
        fs::write(&path, &content).unwrap();
        match (Store::open(&path).unwrap_err().kind, offset) {
            (StoreErrorKind::Damaged { offset: at, .. }, Some(offset)) => assert_eq!(at, offset),
            (StoreErrorKind::Newer { version: 9 }, None) => {}
            other => panic!("{other:?}"),
        }
        assert!(fs::read(&path).unwrap() == content, "the file was changed");
    }
    let error = Store::open(dir.path()).unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[test]
fn a_leftover_of_a_killed_creation_does_not_disturb() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.disc");
    fs::write(dir.path().join("x.disc.part"), b"half a header").unwrap();
    drop(Store::create(&path, b"h").unwrap());
    assert_eq!(Store::open(&path).unwrap().1.header, b"h");
}

#[derive(Clone, Debug)]
enum Op {
    Write { slot: u64, count: usize, value: u8 },
    Append(Vec<u8>),
    Snapshot(Vec<u8>),
    Kill { torn: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..200_u64, 1..40_usize, 0..3_u8)
            .prop_map(|(slot, count, value)| Op::Write { slot, count, value }),
        4 => proptest::collection::vec(any::<u8>(), 0..200).prop_map(Op::Append),
        1 => proptest::collection::vec(any::<u8>(), 0..500).prop_map(Op::Snapshot),
        1 => (0..60_usize).prop_map(|torn| Op::Kill { torn }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_store_agrees_with_a_plain_model(ops in proptest::collection::vec(op(), 1..60)) {
        let mut store = Store::memory(b"h").unwrap();
        let mut slots = vec![0_u8; 240];
        let mut snapshot = None;
        let mut records: Vec<Vec<u8>> = Vec::new();
        for op in ops {
            match op {
                Op::Write { slot, count, value } => {
                    store.write(slot, &vec![value; count * SLOT]).unwrap();
                    slots[slot as usize..slot as usize + count].fill(value);
                }
                Op::Append(record) => {
                    store.append(&record).unwrap();
                    records.push(record);
                }
                Op::Snapshot(state) => {
                    store.snapshot(&state).unwrap();
                    records.clear();
                    snapshot = Some(state);
                }
                Op::Kill { torn } => {
                    // Killed in the middle of one more append. Where the missing bytes happen to
                    // be those left over from earlier, the record is whole after all.
                    let (before, at) = (bytes(&store), tail(&store));
                    store.append(&[0xAB; 40]).unwrap();
                    let torn = torn.min(store.frame.len() - 1);
                    let left = patched(&before, at, &store.frame[..torn]);
                    let mut there = vec![0; store.frame.len()];
                    left.read_at(at, &mut there).unwrap();
                    if there == store.frame {
                        records.push(vec![0xAB; 40]);
                    }
                    let (again, replay) = Store::recover("memory".into(), left).unwrap();
                    prop_assert_eq!(&replay.records, &records);
                    prop_assert_eq!(&replay.snapshot, &snapshot);
                    store = again;
                }
            }
        }
        let (store, replay) = store.fork().unwrap().unwrap();
        prop_assert_eq!(replay.records, records);
        prop_assert_eq!(replay.snapshot, snapshot);
        for (slot, &value) in slots.iter().enumerate() {
            let mut room = [9; SLOT];
            store.read(slot as u64, &mut room).unwrap();
            prop_assert!(room.iter().all(|&b| b == value), "slot {}", slot);
        }
    }

    #[test]
    fn no_bytes_make_opening_panic(patches in proptest::collection::vec(
        (0..5_000_u64, proptest::collection::vec(any::<u8>(), 1..40)), 1..20,
    )) {
        let mut store = sample();
        store.snapshot(b"s").unwrap();
        store.append(b"r").unwrap();
        let mut base = Backing::Memory(bytes(&store));
        for (at, patch) in patches {
            // Spread over header, first area and second area.
            let offset = [0, 1 << 20, 17 << 20][(at % 3) as usize] + at / 3;
            base.write_at(offset, &patch).unwrap();
        }
        let _ = recovered(base);
    }
}
