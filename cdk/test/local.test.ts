import assert from 'node:assert/strict';
import { test } from 'node:test';
import { synthesised } from './synthesised.ts';

const account = synthesised({ stage: 'same', architecture: 'arm64' });
const local = synthesised({ stage: 'same', architecture: 'arm64', local: 'true' });

test('local AWS gets the same resources, but for the archive that it refuses', () => {
  const missing = Object.keys(account.resources).filter((id) => local.resources[id] === undefined);
  assert.deepEqual(
    missing.map((id) => account.resources[id]?.Type),
    ['AWS::Events::Archive'],
  );
  assert.deepEqual(
    Object.keys(local.resources).filter((id) => account.resources[id] === undefined),
    [],
  );
});

test('local AWS gets the same outputs, but for the DNS records', () => {
  const missing = Object.keys(account.outputs).filter((id) => local.outputs[id] === undefined);
  assert.equal(missing.length, 6);
  assert.ok(missing.every((name) => name.startsWith('Record')));
});

test('local AWS gets the same properties, but for deletion protection, the age of records and what its policies cannot tell', () => {
  const differing = new Set<string>();
  for (const [id, { Type, Properties }] of Object.entries(local.resources)) {
    compare(account.resources[id]?.Properties, Properties, Type, differing);
  }
  const withoutIndex = [...differing].map((path) => path.replace(/(?<=Statement)\.\d+/, ''));
  assert.deepEqual([...new Set(withoutIndex)].sort(), [
    'AWS::DynamoDB::GlobalTable.Replicas.0.DeletionProtectionEnabled',
    'AWS::IAM::Policy.PolicyDocument.Statement.Condition',
    'AWS::IAM::Policy.PolicyDocument.Statement.Resource',
    'AWS::Lambda::EventSourceMapping.MaximumRecordAgeInSeconds',
    'AWS::S3::BucketPolicy.PolicyDocument.Statement.Condition.Bool.aws:SecureTransport',
    'AWS::SNS::TopicPolicy.PolicyDocument.Statement.Condition.Bool.aws:SecureTransport',
    'AWS::SQS::QueuePolicy.PolicyDocument.Statement.Condition.Bool.aws:SecureTransport',
  ]);
});

test('only the permission to send mail is wider on local AWS', () => {
  const differing = Object.entries(local.resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Policy')
    .flatMap(([id, { Properties }]) => {
      const statements = (resource: unknown) =>
        (resource as { PolicyDocument: { Statement: { Action: string }[] } }).PolicyDocument.Statement;
      const theirs = statements(account.resources[id]?.Properties);
      return statements(Properties).filter((one, index) => JSON.stringify(one) !== JSON.stringify(theirs[index]));
    });
  assert.deepEqual(differing, [{ Action: 'ses:SendEmail', Effect: 'Allow', Resource: '*' }]);
});

test('nothing of local AWS outlives its stack', () => {
  for (const [id, { DeletionPolicy }] of Object.entries(local.resources)) {
    assert.equal(DeletionPolicy, 'Delete', id);
  }
});

function compare(one: unknown, other: unknown, path: string, differing: Set<string>): void {
  if (typeof one === 'object' && one !== null && typeof other === 'object' && other !== null) {
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      compare(
        (one as Record<string, unknown>)[key],
        (other as Record<string, unknown>)[key],
        `${path}.${key}`,
        differing,
      );
    }
  } else if (one !== other) {
    differing.add(path);
  }
}
