import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { AsyncStack } from './async-stack.ts';
import { readSettings } from './context.ts';
import { FEATURE_FLAGS } from './flags.ts';
import { adaptToLocalAws, localStackProps } from './local.ts';

/** The app and its stack. */
export interface FlotillaApp {
  readonly app: App;
  readonly stack: AsyncStack;
}

/**
 * Makes the app from what the command line says.
 *
 * @param context - what tests say in its place
 * @throws ContextError or BinariesError, which say what to do
 */
export function flotilla(context: Record<string, unknown> = {}): FlotillaApp {
  const app = new App({ context: { ...FEATURE_FLAGS, ...context }, analyticsReporting: false });
  const settings = readSettings(app.node);
  const stack = new AsyncStack(app, settings, settings.local ? localStackProps() : {});
  if (settings.local) {
    adaptToLocalAws(stack);
  }
  return { app, stack };
}

/** Lets the synthesis fail at what AWS's checks for well-built solutions find, unless it has a reason. */
export function checked({ app }: FlotillaApp): App {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}
