import { checked, flotilla } from '../lib/app.ts';
import { BinariesError } from '../lib/binaries.ts';
import { ContextError } from '../lib/context.ts';

try {
  checked(flotilla()).synth();
} catch (error) {
  if (!(error instanceof ContextError || error instanceof BinariesError)) {
    throw error;
  }
  // Meant for the person at the keyboard: a stack trace would only hide it.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
