//! Writes pictures in a box container (HEIC, AVIF) around coded pieces that are taken from samples.
#![allow(dead_code, reason = "each test binary uses its part")]

/// One item: its kind, its properties as boxes, its data, and what it refers to.
#[derive(Default, Clone)]
pub struct Item {
    pub kind: [u8; 4],
    pub properties: Vec<Vec<u8>>,
    pub data: Vec<u8>,
    /// Kind of reference, and the numbers of the items referred to, from 1.
    pub refers: Vec<([u8; 4], Vec<u16>)>,
}

pub fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = (content.len() + 8) as u32;
    [&length.to_be_bytes(), kind.as_slice(), content].concat()
}

/// With a version and no flags.
pub fn full(kind: &[u8; 4], version: u8, content: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[version, 0, 0, 0], content].concat())
}

pub fn ispe(width: u32, height: u32) -> Vec<u8> {
    full(
        b"ispe",
        0,
        &[width.to_be_bytes(), height.to_be_bytes()].concat(),
    )
}

/// Turned anticlockwise by so many times 90°.
pub fn irot(quarters: u8) -> Vec<u8> {
    boxed(b"irot", &[quarters])
}

/// Mirrored: 0 exchanges top and bottom, 1 left and right.
pub fn imir(axis: u8) -> Vec<u8> {
    boxed(b"imir", &[axis])
}

/// A clean aperture: sides, and how far its middle is from the picture's, in halves of a pixel.
pub fn clap(width: u32, height: u32, across: i32, down: i32) -> Vec<u8> {
    let mut content = [width, 1, height, 1].map(u32::to_be_bytes).concat();
    for offset in [across, down] {
        content.extend(offset.to_be_bytes());
        content.extend(2_u32.to_be_bytes());
    }
    boxed(b"clap", &content)
}

/// The first box of a kind anywhere in a file.
pub fn find(file: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    let at = file.windows(4).position(|it| it == kind).expect("a box") - 4;
    let length = u32::from_be_bytes(file[at..at + 4].try_into().expect("four"));
    file[at..at + length as usize].to_vec()
}

/// The one coded item of a sample, with its configuration.
pub fn coded(sample: &[u8], kind: &[u8; 4], configuration: &[u8; 4], sides: (u32, u32)) -> Item {
    Item {
        kind: *kind,
        properties: vec![find(sample, configuration), ispe(sides.0, sides.1)],
        data: find(sample, b"mdat")[8..].to_vec(),
        refers: Vec::new(),
    }
}

/// A grid of the items with these numbers.
pub fn grid(rows: u8, columns: u8, sides: (u16, u16), tiles: Vec<u16>) -> Item {
    let mut data = vec![0, 0, rows - 1, columns - 1];
    data.extend(sides.0.to_be_bytes());
    data.extend(sides.1.to_be_bytes());
    Item {
        kind: *b"grid",
        properties: vec![ispe(sides.0.into(), sides.1.into())],
        data,
        refers: vec![(*b"dimg", tiles)],
    }
}

/// The file of these items; the primary one by its number from 1.
pub fn file(brand: &[u8; 4], primary: u16, items: &[Item]) -> Vec<u8> {
    let ftyp = boxed(
        b"ftyp",
        &[brand.as_slice(), &[0; 4], b"mif1", brand].concat(),
    );
    let hdlr = full(
        b"hdlr",
        0,
        &[&[0; 4], b"pict".as_slice(), &[0; 13]].concat(),
    );
    let pitm = full(b"pitm", 0, &primary.to_be_bytes());
    let meta = [
        hdlr,
        pitm,
        infos(items),
        properties(items),
        references(items),
    ]
    .concat();
    let (iloc, idat) = data(items);
    [ftyp, full(b"meta", 0, &[meta, iloc, idat].concat())].concat()
}

fn numbered(items: &[Item]) -> impl Iterator<Item = (u16, &Item)> {
    (1..).zip(items)
}

fn infos(items: &[Item]) -> Vec<u8> {
    let mut content = (items.len() as u16).to_be_bytes().to_vec();
    for (number, item) in numbered(items) {
        let entry = [&number.to_be_bytes(), [0; 2].as_slice(), &item.kind, &[0]].concat();
        content.extend(full(b"infe", 2, &entry));
    }
    full(b"iinf", 0, &content)
}

/// Each property once, as writers do: there may be 127.
fn properties(items: &[Item]) -> Vec<u8> {
    let mut all: Vec<&Vec<u8>> = items.iter().flat_map(|item| &item.properties).collect();
    all.sort_unstable();
    all.dedup();
    let ipco = boxed(
        b"ipco",
        &all.iter().copied().flatten().copied().collect::<Vec<_>>(),
    );
    let mut ipma = (items.len() as u32).to_be_bytes().to_vec();
    for (number, item) in numbered(items) {
        ipma.extend(number.to_be_bytes());
        ipma.push(item.properties.len() as u8);
        for property in &item.properties {
            let at = all.iter().position(|it| *it == property).expect("listed");
            ipma.push(at as u8 + 1);
        }
    }
    boxed(b"iprp", &[ipco, full(b"ipma", 0, &ipma)].concat())
}

fn references(items: &[Item]) -> Vec<u8> {
    let mut content = Vec::new();
    for (number, item) in numbered(items) {
        for (kind, to) in &item.refers {
            let mut entry = number.to_be_bytes().to_vec();
            entry.extend((to.len() as u16).to_be_bytes());
            entry.extend(to.iter().flat_map(|to| to.to_be_bytes()));
            content.extend(boxed(kind, &entry));
        }
    }
    full(b"iref", 0, &content)
}

/// Where each item's data lies, and the data.
fn data(items: &[Item]) -> (Vec<u8>, Vec<u8>) {
    let mut places = vec![0x44, 0];
    places.extend((items.len() as u16).to_be_bytes());
    let mut data: Vec<u8> = Vec::new();
    for (number, item) in numbered(items) {
        places.extend(number.to_be_bytes());
        places.extend([0, 1, 0, 0, 0, 1]); // in `idat`, one piece
        places.extend((data.len() as u32).to_be_bytes());
        places.extend((item.data.len() as u32).to_be_bytes());
        data.extend(&item.data);
    }
    (full(b"iloc", 1, &places), boxed(b"idat", &data))
}
