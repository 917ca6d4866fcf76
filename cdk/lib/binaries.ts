import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { Architecture, Settings } from './context.ts';

const CDK = resolve(import.meta.dirname, '..');
const WORKSPACE = resolve(CDK, '..');
/** The machine of an ELF file, as its header numbers it. */
const MACHINES: Record<number, Architecture> = { 62: 'x86_64', 183: 'arm64' };

/** The workers' binaries are not there, or cannot run where they are deployed to. */
export class BinariesError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BinariesError';
  }
}

/**
 * Where the code of each worker comes from: a folder of built binaries when one is given, else cargo-lambda, which is run
 * once for all of them.
 */
export class Binaries {
  readonly #architecture: Architecture;
  #folder: string | undefined;

  /**
   * @param needed - whether the command deploys or shows what would be deployed; `cdk ls` and `cdk destroy` build nothing
   */
  constructor(settings: Settings, needed: boolean) {
    this.#architecture = settings.architecture;
    this.#folder = needed ? settings.binaries : 'none';
  }

  /**
   * The code of one worker.
   *
   * @throws BinariesError when it cannot be built, is not there, or is for another architecture
   */
  code(worker: string): Code {
    this.#folder ??= build(this.#architecture);
    if (this.#folder === 'none') {
      return Code.fromAsset(join(CDK, 'placeholder'));
    }
    const folder = join(this.#folder, worker);
    const bootstrap = join(folder, 'bootstrap');
    if (!existsSync(bootstrap)) {
      throw new BinariesError(`the binary of ${worker} is missing: ${bootstrap}`);
    }
    const machine = machineOf(bootstrap);
    if (machine !== undefined && machine !== this.#architecture) {
      throw new BinariesError(
        `${bootstrap} is built for ${machine}, and the function is for ${this.#architecture}: ` +
          `build it for that, or give -c architecture=${machine}`,
      );
    }
    return Code.fromAsset(folder);
  }
}

/** Builds every worker, and returns the folder with `NAME/bootstrap` of each. */
function build(architecture: Architecture): string {
  if (spawnSync('cargo', ['lambda', '--version']).status !== 0) {
    throw new BinariesError(
      'cargo-lambda is not there: install it (pip install cargo-lambda), ' +
        'or give -c binaries=DIR with DIR/NAME/bootstrap of each worker, or -c binaries=none to only look',
    );
  }
  const folder = join(WORKSPACE, 'target', `lambda-${architecture}`);
  const target = architecture === 'arm64' ? '--arm64' : '--x86-64';
  const packages = workerPackages().flatMap((name) => ['--package', name]);
  try {
    execFileSync('cargo', ['lambda', 'build', '--release', '--locked', target, '--lambda-dir', folder, ...packages], {
      cwd: WORKSPACE,
      // Standard output is the CLI's own; what cargo says belongs to the person who waits.
      stdio: ['ignore', 2, 2],
    });
  } catch {
    throw new BinariesError('cargo lambda could not build the workers: what it said is above');
  }
  return folder;
}

/** The workspace's packages that are Lambda functions: they are named after their worker. */
function workerPackages(): string[] {
  const metadata = execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1', '--locked'], {
    cwd: WORKSPACE,
    maxBuffer: 64 * 1024 * 1024,
  });
  const { packages } = JSON.parse(metadata.toString()) as { packages: { name: string; manifest_path: string }[] };
  return packages
    .filter((entry) => entry.manifest_path.startsWith(join(WORKSPACE, 'workers')) && entry.name.endsWith('-lambda'))
    .map((entry) => entry.name);
}

/** The architecture of an executable; nothing for a script or for a machine that Lambda does not have. */
function machineOf(path: string): Architecture | undefined {
  const header = Buffer.alloc(20);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, header, 0, header.length, 0);
    const isElf = length === header.length && header.subarray(0, 4).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46]));
    return isElf ? MACHINES[header.readUInt16LE(18)] : undefined;
  } finally {
    closeSync(file);
  }
}
