// Every test in one process: loading the CDK takes longer than any of them, and they share what they synthesise.
import { readdirSync } from 'node:fs';

for (const file of readdirSync(import.meta.dirname).sort()) {
  if (file.endsWith('.test.ts')) {
    await import(`./${file}`);
  }
}
