import { App, CloudFormationValidatePlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { AsyncStack } from './async-stack.ts';
import { readSettings, type Settings } from './context.ts';
import { FEATURE_FLAGS } from './flags.ts';
import { adaptToLocalAws, localStackProps } from './local.ts';

/** The app and its stack. */
export interface FlotillaApp {
  readonly app: App;
  readonly stack: AsyncStack;
  readonly settings: Settings;
}

/**
 * Makes the app from what the command line says.
 *
 * @param context - what tests say in its place
 * @throws ContextError or BinariesError, which say what to do
 */
export function flotilla(context: Record<string, unknown> = {}): FlotillaApp {
  const app = new App({
    context: { ...FEATURE_FLAGS, ...context },
    analyticsReporting: false,
    // Half of the time of a synthesis, so only where it is asked for: see below.
    builtinCloudFormationValidation: false,
  });
  const settings = readSettings(app.node);
  const stack = new AsyncStack(app, settings, settings.local ? localStackProps() : {});
  if (settings.local) {
    adaptToLocalAws(stack);
  }
  return { app, stack, settings };
}

/** Lets the synthesis fail at what CloudFormation would refuse, and at what AWS's checks find that has no reason. */
export function checked({ app, settings }: FlotillaApp): App {
  if (!settings.local) {
    Validations.of(app).addPlugins(new CloudFormationValidatePlugin(), new AwsSolutionsChecks(app));
  }
  return app;
}
