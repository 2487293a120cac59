//! Properties of images, by the same functions that the fuzz targets call.

use engine::image::fuzzing::{iso_reader, tree_round_trip};
use engine::image::{Image, LayoutOptions, Meta, Sectors, Tree};
use engine::units::Blocks;
use proptest::collection::vec;
use proptest::prelude::*;

/// A small image with one of each kind, without the empty blocks in front.
fn sample() -> Vec<u8> {
    let mut tree = Tree::new(Meta::default());
    let dir = tree.add_directory(tree.root(), b"directory", Meta::default()).unwrap();
    tree.add_bytes(dir, &[b'n'; 200], Meta::default(), *b"content").unwrap();
    let link = engine::image::Kind::Symlink(b"/a/../b");
    tree.add_special(dir, b"link", Meta::default(), link).unwrap();
    let options = LayoutOptions { pad: Blocks(0), ..LayoutOptions::default() };
    let mut image = Image::new(tree, &options).unwrap();
    let blocks = image.blocks().0 - 16;
    let mut bytes = vec![0; blocks as usize * 2048];
    image.read(Blocks(16), &mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn a_tree_comes_back_from_its_image(bytes in vec(any::<u8>(), 0..6000)) {
        tree_round_trip(&bytes);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..8192)) {
        iso_reader(&bytes);
    }

    /// An image with a few bytes changed gets further into the reader than noise does.
    #[test]
    fn a_damaged_image_is_read_without_panic(
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..24)
    ) {
        let mut bytes = sample();
        for (index, value) in damage {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        bytes.insert(0, 16);
        iso_reader(&bytes);
    }
}
