import { createRequire } from 'node:module';

/**
 * Every behaviour of the CDK that a new app would choose, of those that older apps can leave off. They are taken here and
 * not from cdk.json so that tests and the command line synthesise the same template.
 */
export const FEATURE_FLAGS: Record<string, unknown> = createRequire(import.meta.url)(
  'aws-cdk-lib/recommended-feature-flags.json',
);
