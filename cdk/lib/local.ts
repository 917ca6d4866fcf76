import type { AsyncStack } from './async-stack.ts';

/** Everything that local AWS needs otherwise. */
export function adaptToLocalAws(_stack: AsyncStack): void {}
