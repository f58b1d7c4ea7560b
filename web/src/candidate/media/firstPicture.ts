// When the first picture comes in a WebM file that is still being written: an encoder may take a while to begin.

const ENTER = [0x18538067, 0x1654ae6b, 0xae, 0x1f43b675, 0xa0]; // Segment, Tracks, TrackEntry, Cluster, BlockGroup
const [NUMBER, TYPE, TIME, BLOCKS] = [0xd7, 0x83, 0xe7, [0xa3, 0xa1]]; // of a track, of a cluster; SimpleBlock, Block

/** In ms from the beginning of the file, as browsers count; null as long as none is there. */
export function firstPicture(file: Uint8Array): number | null {
  let at = 0;
  let number = 0;
  let video: number | null = null;
  let clusterMs = 0;

  const byte = (place: number) => file[place] ?? 0;

  /** A number whose first byte tells its length; of an id that mark is kept. */
  function read(marked: boolean): number {
    const length = Math.clz32(byte(at)) - 23;
    let value = marked ? byte(at) : byte(at) & (0xff >> length);
    for (let n = 1; n < length; n += 1) value = value * 256 + byte(at + n);
    at += length;
    return value;
  }

  const whole = (size: number) => file.subarray(at, at + size).reduce((value, next) => value * 256 + next, 0);

  while (at + 12 < file.length) {
    const id = read(true);
    const size = read(false); // of what is entered it may be unknown, and is not needed
    if (ENTER.includes(id)) continue;
    if (id === NUMBER) number = whole(size);
    else if (id === TYPE && whole(size) === 1) video = number;
    else if (id === TIME) clusterMs = whole(size);
    else if (BLOCKS.includes(id)) {
      const begins = at;
      if (read(false) === video) return clusterMs + (((byte(at) << 24) | (byte(at + 1) << 16)) >> 16);
      at = begins;
    }
    at += size;
  }
  return null;
}
