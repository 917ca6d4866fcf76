import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { owner, synthesised } from './synthesised.ts';

const fleet = synthesised();
const runbook = readFileSync(resolve(import.meta.dirname, '..', '..', 'RUNBOOK.md'), 'utf8');
const sections = [...runbook.matchAll(/^## ([a-z-]+)$/gm)].map(([, section]) => section ?? '');
const alarms = new Map(
  [...fleet.all('AWS::CloudWatch::Alarm').values()].map(({ Properties }) => [String(Properties.AlarmName), Properties]),
);
const workers = [...fleet.all('AWS::Lambda::Function').keys()].map(owner);

/** The alarm of a worker, or of mail. */
function alarm(subject: string, section: string): Record<string, unknown> {
  const properties = alarms.get(`flotilla-dev-${subject}-${section}`);
  assert.ok(properties, `no alarm ${section} of ${subject}`);
  return properties;
}

function dimensions(properties: Record<string, unknown>): Record<string, string> {
  const list = (properties.Dimensions ?? []) as { Name: string; Value: unknown }[];
  return Object.fromEntries(list.map(({ Name, Value }) => [Name, fleet.text(Value)]));
}

test('every alarm sends a person to a section of the runbook that is there', () => {
  assert.ok(alarms.size > 40);
  for (const [name, { AlarmDescription }] of alarms) {
    const section = /What to do: RUNBOOK\.md#([a-z-]+)$/.exec(String(AlarmDescription))?.[1];
    assert.ok(section !== undefined && sections.includes(section), `${name}: ${AlarmDescription}`);
    assert.ok(name.endsWith(`-${section}`), name);
  }
});

test('every section of the runbook is one that an alarm or a notice sends a person to', () => {
  const template = JSON.stringify(fleet.template.toJSON());
  for (const section of sections) {
    assert.ok(template.includes(`RUNBOOK.md#${section}`), section);
  }
});

test('every alarm is heard when it goes off and when it is over, and by nobody while nothing happens', () => {
  for (const [name, properties] of alarms) {
    for (const actions of ['AlarmActions', 'OKActions']) {
      assert.deepEqual(
        (properties[actions] as unknown[]).map((action) => fleet.text(action)),
        ['Topics/Alarms'],
        name,
      );
    }
    assert.equal(properties.TreatMissingData, 'notBreaching', name);
    assert.equal(properties.ComparisonOperator, 'GreaterThanOrEqualToThreshold', name);
  }
});

for (const worker of workers) {
  test(`the function of ${worker} is watched`, () => {
    for (const [section, metric] of [
      ['errors', 'Errors'],
      ['throttles', 'Throttles'],
      ['dropped-events', 'AsyncEventsDropped'],
      ['recursion', 'RecursiveInvocationsDropped'],
    ] as const) {
      const properties = alarm(worker, section);
      assert.equal(properties.Namespace, 'AWS/Lambda');
      assert.equal(properties.MetricName, metric);
      assert.equal(properties.Statistic, 'Sum');
      assert.equal(properties.Threshold, 1);
      assert.deepEqual(dimensions(properties), { FunctionName: `${worker}/Function` });
    }
  });

  test(`what ${worker} rejects is noticed, by the metric that it writes`, () => {
    const properties = alarm(worker, 'rejected');
    assert.equal(properties.Namespace, 'Flotilla');
    assert.equal(properties.MetricName, 'Rejected');
    assert.equal(properties.Threshold, 1);
    // The dimensions of `fleet::metrics`, all of them: an alarm on other dimensions never sees a value.
    assert.deepEqual(dimensions(properties), { worker, function: `${worker}/Function` });
  });
}

test('every queue is watched: its oldest message, its dead letters, and what could not be delivered', () => {
  let watched = 0;
  for (const [path] of fleet.all('AWS::SQS::Queue')) {
    const section = { Queue: 'oldest-message', DeadLetters: 'dead-letters', Undelivered: 'undelivered' }[
      path.split('/')[2] ?? ''
    ];
    if (section === undefined) {
      continue;
    }
    watched += 1;
    const properties = alarm(owner(path), section);
    assert.equal(
      properties.MetricName,
      section === 'oldest-message' ? 'ApproximateAgeOfOldestMessage' : 'ApproximateNumberOfMessagesVisible',
    );
    assert.equal(properties.Statistic, 'Maximum');
    assert.deepEqual(dimensions(properties), { QueueName: `${path}.QueueName` });
    assert.equal(properties.Threshold, section === 'oldest-message' ? 900 : 1);
  }
  assert.ok(watched >= 12);
});

test('every stream is watched, and an operator has hours before records are given up', () => {
  for (const [path, { Properties }] of fleet.all('AWS::Lambda::EventSourceMapping')) {
    if (Properties.StartingPosition === undefined) {
      continue;
    }
    const properties = alarm(owner(path), 'iterator-age');
    assert.equal(properties.MetricName, 'IteratorAge');
    const late = Number(properties.Threshold);
    assert.equal(late, 600_000);
    assert.ok(Number(Properties.MaximumRecordAgeInSeconds) * 1000 - late >= 5 * 3_600_000, path);
  }
});

test('the reputation of the sender is watched well before SES acts', () => {
  const bounces = alarm('mail', 'bounces');
  assert.equal(bounces.MetricName, 'Reputation.BounceRate');
  assert.equal(bounces.Threshold, 0.02);
  const complaints = alarm('mail', 'complaints');
  assert.equal(complaints.MetricName, 'Reputation.ComplaintRate');
  assert.equal(complaints.Threshold, 0.0005);
});

test('mail that waits for an operator is noticed', () => {
  assert.equal(alarm('welcome-mail', 'held').MetricName, 'Held');
});

test('what Lambda gave up on is said at the alarms topic', () => {
  const { EventPattern, Targets } = fleet.at('AWS::Events::Rule', 'FailureNotice/Rule').Properties as {
    EventPattern: { detail: { bucket: { name: unknown[] } } };
    Targets: { Arn: unknown; DeadLetterConfig?: unknown; InputTransformer: { InputTemplate: unknown } }[];
  };
  assert.equal(fleet.text(EventPattern.detail.bucket.name[0]), 'Storage/Failures');
  assert.equal(fleet.text(Targets[0]?.Arn), 'Topics/Alarms');
  assert.ok(Targets[0]?.DeadLetterConfig);
  const { NotificationConfiguration } = fleet.at('AWS::S3::Bucket', 'Storage/Failures').Properties;
  assert.deepEqual(NotificationConfiguration, { EventBridgeConfiguration: { EventBridgeEnabled: true } });
});

test('an address that is given is told of alarms', () => {
  const told = synthesised({ alarmEmail: 'operator@example.com' });
  const addresses = [...told.all('AWS::SNS::Subscription').values()]
    .filter(({ Properties }) => Properties.Protocol === 'email')
    .map(({ Properties }) => `${told.text(Properties.TopicArn)} ${Properties.Endpoint}`);
  assert.deepEqual(addresses, ['Topics/Alarms operator@example.com']);
});
