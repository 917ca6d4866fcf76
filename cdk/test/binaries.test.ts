import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Binaries, BinariesError } from '../lib/binaries.ts';
import type { Settings } from '../lib/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'flotilla-binaries-'));
after(() => rmSync(folder, { recursive: true }));

/** The head of an ELF file for a machine. */
function executable(machine: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF', 'latin1');
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

function built(worker: string, bytes: Buffer | string): void {
  mkdirSync(join(folder, worker), { recursive: true });
  writeFileSync(join(folder, worker, 'bootstrap'), bytes);
}

function binaries(architecture: Settings['architecture'], needed = true): Binaries {
  return new Binaries({ architecture, binaries: folder } as Settings, needed);
}

function refused(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: unknown) => error instanceof BinariesError && message.test(error.message));
}

test('a binary for another processor is refused, because it would fail at its first event only', () => {
  built('intel', executable(0x3e));
  built('arm', executable(0xb7));
  refused(() => binaries('arm64').code('intel'), /built for x86_64, and the function is for arm64/);
  refused(() => binaries('x86_64').code('arm'), /built for arm64, and the function is for x86_64/);
  assert.doesNotThrow(() => binaries('x86_64').code('intel'));
  assert.doesNotThrow(() => binaries('arm64').code('arm'));
});

test('a script is for every processor', () => {
  built('script', '#!/bin/sh\n');
  assert.doesNotThrow(() => binaries('arm64').code('script'));
});

test('a binary that is missing is named', () => {
  refused(() => binaries('arm64').code('nobody'), /^the binary of nobody is missing: .*nobody.bootstrap$/);
});

test('a command that deploys nothing needs no binaries', () => {
  assert.doesNotThrow(() => binaries('arm64', false).code('nobody'));
});
