// sharp as a server on standard input and output; `src/protocol.rs` has the messages.
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const sharp = createRequire(join(process.env.VERSUS_INSTALLED, 'sharp', 'package.json'))('sharp');
sharp.cache(false);
sharp.concurrency(1);

const upright = (image) => sharp(image).rotate();

const resized = (pipeline, side, way) =>
  pipeline.resize(side, side, {
    fit: 'inside',
    withoutEnlargement: true,
    fastShrinkOnLoad: way !== 'full-decode',
  });

function encoded(pipeline, { format, quality, way }) {
  if (format === 'avif') {
    return pipeline.avif({ quality, effort: 0, chromaSubsampling: way === 'half-chroma' ? '4:2:0' : '4:4:4' });
  }
  return pipeline.jpeg({ quality, optimiseCoding: way !== 'standard-tables' });
}

// One decode to the largest size, kept as pixels, and each size from those.
async function cascade(image, work) {
  const largest = Math.max(...work.sizes);
  const { data, info } = await resized(upright(image), largest, work.way).raw().toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  const thumbnails = [];
  for (const side of work.sizes) {
    const pipeline = sharp(data, { raw });
    thumbnails.push(await encoded(side === largest ? pipeline : resized(pipeline, side, work.way), work).toBuffer());
  }
  return thumbnails;
}

async function thumbnails(image, work) {
  if (work.way === 'cascade') {
    return cascade(image, work);
  }
  const made = [];
  for (const side of work.sizes) {
    made.push(await encoded(resized(upright(image), side, work.way), work).toBuffer());
  }
  return made;
}

async function timed(image, work) {
  const start = process.hrtime.bigint();
  const files = await thumbnails(image, work);
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  return [{ ms }, work.answer ? files : []];
}

function statusKib(name) {
  const line = readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'));
  return Number(line[1]);
}

let image;

async function answer(request) {
  switch (request.op) {
    case 'hello': {
      const { vips, mozjpeg, aom } = sharp.versions;
      return [
        { versions: `sharp ${sharp.versions.sharp}, libvips ${vips}, its JPEG ${mozjpeg}, aom ${aom}, node ${process.version}` },
        [],
      ];
    }
    case 'load':
      image = readFileSync(request.input);
      return [{}, []];
    case 'work':
      return timed(image, request);
    case 'memory': {
      await thumbnails(readFileSync(request.warm), request.work);
      image = readFileSync(request.input);
      // Sets the high-water mark to what is resident now.
      writeFileSync('/proc/self/clear_refs', '5');
      const before_kib = statusKib('VmRSS');
      const [answered, files] = await timed(image, request.work);
      return [{ ...answered, before_kib, peak_kib: statusKib('VmHWM') }, files];
    }
    case 'pixels': {
      const { data, info } = await sharp(image).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
      return [{ width: info.width, height: info.height }, [data]];
    }
    default:
      throw new Error(`unknown request ${request.op}`);
  }
}

// A write to a pipe may take a part only.
function write(bytes) {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        throw error;
      }
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let answered = {};
  let files = [];
  try {
    [answered, files] = await answer(JSON.parse(line));
  } catch (error) {
    answered = { refused: String(error.message) };
  }
  answered.lengths = files.map((file) => file.length);
  write(Buffer.from(`${JSON.stringify(answered)}\n`));
  for (const file of files) {
    write(file);
  }
}
