use super::*;

/// An input that gives no more than a few bytes at a time, unless more are wanted.
struct Trickle<'a>(&'a [u8]);

impl Input for Trickle<'_> {
    fn from(&mut self, offset: usize, want: usize) -> Result<&[u8], crate::input::InputError> {
        let rest = self.0.get(offset..).unwrap_or_default();
        Ok(rest.get(..want).unwrap_or(rest))
    }

    fn whole(&self) -> Option<&[u8]> {
        None
    }
}

/// Reads whole bytes until the interval is over.
fn read(window: &mut Window, input: &mut dyn Input, bits: &mut Bits, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        window.ensure(input, bits).unwrap();
        bits.refill(window.bytes());
        bytes.push(u8::try_from(bits.take(8)).unwrap());
    }
    bytes
}

/// Bytes with an 0xFF every now and then, and their stuffed form.
fn sample(length: usize) -> (Vec<u8>, Vec<u8>) {
    let plain: Vec<u8> = (0..length)
        .map(|index| match index * index % 97 {
            0..4 => 0xff,
            rest => u8::try_from(rest).unwrap() ^ (index >> 8).to_le_bytes()[0] & 0x7f,
        })
        .collect();
    let stuffed = plain
        .iter()
        .flat_map(|&byte| std::iter::once(byte).chain((byte == 0xff).then_some(0)))
        .collect();
    (plain, stuffed)
}

#[test]
fn stuffing_is_removed_across_every_seam() {
    let lengths = [0, 1, 31, 32, 33, 1000, CAPACITY, 5 * CAPACITY + 77];
    let dense = (vec![0xff; 3 * CAPACITY], [0xff, 0].repeat(3 * CAPACITY));
    for (plain, mut file) in lengths.map(sample).into_iter().chain([dense]) {
        file.extend([0xff, 0xff, 0xff, 0xd9, 1, 2]);
        let mut input = Trickle(&file);
        let mut window = Window::new();
        let mut bits = window.begin(0, 1);
        assert_eq!(read(&mut window, &mut input, &mut bits, plain.len()), plain);
        let end = window.finish(&mut input, &bits).unwrap();
        assert_eq!(file[end..][..2], [0xff, 0xd9]);
    }
}

#[test]
fn restart_markers_must_come_in_order() {
    let file = [1, 2, 0xff, 0xd0, 3, 0xff, 0x00, 0xff, 0xd1, 4, 0xff, 0xd3];
    let mut input: &[u8] = &file;
    let mut window = Window::new();
    let mut bits = window.begin(0, 1);
    assert_eq!(read(&mut window, &mut input, &mut bits, 1), [1]);
    window.restart(&mut input, &mut bits, 0).unwrap();
    assert_eq!(read(&mut window, &mut input, &mut bits, 2), [3, 0xff]);
    window.restart(&mut input, &mut bits, 1).unwrap();
    assert_eq!(read(&mut window, &mut input, &mut bits, 1), [4]);
    let error = window.restart(&mut input, &mut bits, 2).unwrap_err();
    assert_eq!(error, JpegError::corrupt("a restart marker is missing"));
}

#[test]
fn intervals_are_known_ahead_of_their_reader() {
    let (plain, stuffed) = sample(1000);
    let mut file = Vec::new();
    for number in 0..250 {
        file.extend(&stuffed);
        file.extend([0xff, 0xff, 0xd0 | (number & 7)]);
    }
    let mut input = Trickle(&file);
    let mut window = Window::new();
    let mut bits = window.begin_intervals(0, 1, 0..200);
    for index in 1..200 {
        if window.is_half_empty(&bits) {
            window.fill(&mut input, &mut bits).unwrap();
        }
        let stretch = window.stretch();
        let end = stretch.end_of(0).unwrap();
        assert_eq!(stretch.bytes[end - 1000..end], plain);
        assert!(stretch.starts.len() + index <= 200);
        assert!(stretch.starts.len() > 20 || index > 170);
        if index % 3 == 0 {
            // Past the interval there is the next.
            bits = Bits::before(end);
            assert_eq!(window.check(&bits), Ok(()));
            bits.refill(window.bytes());
            bits.consume(1);
            let error = JpegError::corrupt("a marker within entropy-coded data");
            assert_eq!(window.check(&bits), Err(error));
        }
        bits = Bits::before(end - 5);
        let number = restart_marker(index) & 7;
        window.restart(&mut input, &mut bits, number).unwrap();
    }
    assert_eq!(window.stretch().starts, [] as [usize; 0]);
    let end = window.finish(&mut input, &bits).unwrap();
    assert_eq!(end, file.len());
}

#[test]
fn an_empty_interval_is_the_last() {
    let file = [1, 0xff, 0xd0, 2, 0xff, 0xd1, 0xff, 0xd2, 3, 0xff, 0xd9];
    let mut input: &[u8] = &file;
    let mut window = Window::new();
    let mut bits = window.begin_intervals(0, 1, 0..9);
    window.fill(&mut input, &mut bits).unwrap();
    let stretch = window.stretch();
    assert_eq!((stretch.bytes, stretch.starts), (&[1, 2][..], &[1, 2][..]));
    assert_eq!(stretch.end, Some(End::Marker(0xd2)));
}

#[test]
fn reading_past_the_end_is_found_out() {
    for (tail, expected) in [
        (vec![], JpegError::Truncated),
        (vec![0xff], JpegError::Truncated),
        (
            vec![0xff, 0xd9],
            JpegError::corrupt("a marker within entropy-coded data"),
        ),
    ] {
        let file = [vec![1, 2, 3], tail].concat();
        let mut input: &[u8] = &file;
        let mut window = Window::new();
        let mut bits = window.begin(0, 1);
        assert_eq!(read(&mut window, &mut input, &mut bits, 3), [1, 2, 3]);
        assert_eq!(window.check(&bits), Ok(()));
        assert_eq!(read(&mut window, &mut input, &mut bits, 1), [0]);
        assert_eq!(window.check(&bits), Err(expected.clone()));
        assert_eq!(window.finish(&mut input, &bits), Err(expected));
    }
}
