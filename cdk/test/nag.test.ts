import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CfnResource, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { checked, flotilla } from '../lib/app.ts';

for (const context of [
  {},
  {
    distribution: 'E1ABCDEF2GHIJ',
    hostedZone: 'Z0123456789ABC',
    mailDomain: 'blog.example',
    alarmEmail: 'a@blog.example',
  },
]) {
  test(`the checks of AWS Solutions find nothing that has no reason, with ${JSON.stringify(context)}`, () => {
    const { app } = flotilla({ binaries: 'none', ...context });
    const report = new AwsSolutionsChecks(app).validateScope(app);
    assert.deepEqual(
      report.violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources]),
      [],
    );
  });
}

test('the command line checks what is for an account, and CloudFormation would refuse nothing', () => {
  assert.doesNotThrow(() => checked(flotilla({ binaries: 'none' })).synth());
  const broken = flotilla({ binaries: 'none' });
  new CfnResource(broken.stack, 'Broken', { type: 'AWS::SQS::Queue', properties: { VisibilityTimeout: 'long' } });
  assert.throws(() => checked(broken).synth(), /Validation failed/);
});

test('every check that is passed over has a reason', () => {
  const { app } = flotilla({ binaries: 'none' });
  let reasons = 0;
  for (const construct of app.node.findAll()) {
    for (const { data } of construct.node.metadata.filter(
      ({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY,
    )) {
      for (const reason of Object.values(data as Record<string, string>)) {
        reasons += 1;
        assert.ok(reason.length > 20, reason);
      }
    }
  }
  assert.ok(reasons > 10);
});
