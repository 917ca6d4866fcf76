import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { owner, synthesised } from './synthesised.ts';

const WORKSPACE = resolve(import.meta.dirname, '..', '..');
const fleet = synthesised();
const mappings = [...fleet.all('AWS::Lambda::EventSourceMapping')].map(([path, { Properties }]) => ({
  worker: owner(path),
  properties: Properties,
  fromQueue: fleet.text(Properties.EventSourceArn).endsWith('/Input/Queue'),
}));
const streams = mappings.filter(({ fromQueue }) => !fromQueue);

interface Redrive {
  deadLetterTargetArn: unknown;
  maxReceiveCount: number;
}

test('every worker has one mapping', () => {
  const workers = [...fleet.all('AWS::Lambda::Function').keys()].map(owner);
  assert.deepEqual(mappings.map(({ worker }) => worker).sort(), workers.sort());
  for (const worker of ['cache-invalidation', 'page-views', 'welcome-mail']) {
    assert.ok(
      streams.some((stream) => stream.worker === worker),
      worker,
    );
  }
});

test('every mapping takes the partial answer that the fleet gives to queues and streams', () => {
  // `fleet::batch` answers both with `batchItemFailures`. Without this, Lambda takes that answer for success.
  for (const { worker, properties } of mappings) {
    assert.deepEqual(properties.FunctionResponseTypes, ['ReportBatchItemFailures'], worker);
  }
});

test('every mapping of a stream starts at the oldest record, and says how it fails', () => {
  for (const { worker, properties } of streams) {
    assert.equal(properties.StartingPosition, 'TRIM_HORIZON', worker);
    assert.equal(properties.BisectBatchOnFunctionError, true, worker);
    assert.equal(properties.MaximumRetryAttempts, 10_000, worker);
    assert.equal(properties.ParallelizationFactor, 1, worker);
    const age = Number(properties.MaximumRecordAgeInSeconds);
    // Long enough for a person to act, and shorter than the 24 hours of the stream, after which nobody has the record.
    assert.ok(age >= 6 * 3600 && age <= 22 * 3600, `${worker} gives up after ${age} seconds`);
  }
});

test('every mapping of a stream keeps what was given up in the failures bucket, whole', () => {
  for (const { worker, properties } of streams) {
    const { OnFailure } = properties.DestinationConfig as { OnFailure: { Destination: unknown } };
    assert.equal(fleet.text(OnFailure.Destination), 'Storage/Failures', worker);
  }
});

test('every function keeps the asynchronous events that were given up', () => {
  const kept = [...fleet.all('AWS::Lambda::EventInvokeConfig')].map(([path, { Properties }]) => {
    const { OnFailure } = Properties.DestinationConfig as { OnFailure: { Destination: unknown } };
    assert.equal(fleet.text(OnFailure.Destination), 'Storage/Failures', path);
    assert.equal(Properties.MaximumRetryAttempts, 2, path);
    assert.equal(Properties.MaximumEventAgeInSeconds, 21_600, path);
    return fleet.text(Properties.FunctionName);
  });
  assert.deepEqual(kept.sort(), [...fleet.all('AWS::Lambda::Function').keys()].sort());
});

test('a filter of a stream passes over only what its worker does nothing about', () => {
  const filtered = streams.filter(({ properties }) => properties.FilterCriteria !== undefined);
  assert.deepEqual(
    filtered.map(({ worker }) => worker),
    ['welcome-mail'],
    'a filter of another worker needs a test of its own, like this one',
  );
  const [criteria] = filtered.map(({ properties }) => properties.FilterCriteria as { Filters: { Pattern: string }[] });
  assert.equal(criteria?.Filters.length, 1);
  const pattern = JSON.parse(criteria?.Filters[0]?.Pattern ?? '');
  assert.deepEqual(Object.keys(pattern), ['eventName']);
  const folder = join(WORKSPACE, 'events', 'dynamodb');
  const captured = readdirSync(folder)
    .filter((name) => name.startsWith('insert') || name.startsWith('same') || name.startsWith('duplicate'))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).Records);
  assert.ok(captured.length > 10);
  for (const record of captured) {
    assert.ok(pattern.eventName.includes(record.eventName), `${record.eventID} would be passed over`);
  }
});

test('every queue that a worker reads hides messages for six times its timeout, and has dead letters', () => {
  let seen = 0;
  for (const [path, { Properties }] of fleet.all('AWS::SQS::Queue')) {
    if (!path.endsWith('/Input/Queue')) {
      continue;
    }
    seen += 1;
    const { Timeout } = fleet.at('AWS::Lambda::Function', `${owner(path)}/Function`).Properties;
    assert.ok(Number(Properties.VisibilityTimeout) >= 6 * Number(Timeout), path);
    const redrive = Properties.RedrivePolicy as Redrive;
    assert.equal(redrive.maxReceiveCount, 5, path);
    assert.equal(fleet.text(redrive.deadLetterTargetArn), `${owner(path)}/Input/DeadLetters`);
  }
  assert.equal(seen, mappings.length - streams.length);
});

test('dead letters are kept for longer than the queue keeps messages, because they keep their age', () => {
  for (const [path, { Properties }] of fleet.all('AWS::SQS::Queue')) {
    if (path.endsWith('/DeadLetters') || path.endsWith('/Undelivered')) {
      assert.equal(Properties.MessageRetentionPeriod, 14 * 86_400, path);
    }
    if (path.endsWith('/Queue')) {
      assert.equal(Properties.MessageRetentionPeriod, 4 * 86_400, path);
    }
  }
});

test('every mapping of a queue is paced', () => {
  for (const { worker, properties, fromQueue } of mappings) {
    if (fromQueue) {
      const { MaximumConcurrency } = properties.ScalingConfig as { MaximumConcurrency: number };
      assert.ok(MaximumConcurrency >= 2 && MaximumConcurrency <= 50, worker);
    }
  }
});

test('a topic that cannot reach a queue leaves the message where an operator finds it', () => {
  const subscriptions = [...fleet.all('AWS::SNS::Subscription')].map(([path, { Properties }]) => {
    const redrive = Properties.RedrivePolicy as Redrive;
    assert.equal(fleet.text(redrive.deadLetterTargetArn), `${owner(path)}/Input/Undelivered`);
    assert.equal(Properties.RawMessageDelivery, undefined);
    assert.equal(Properties.FilterPolicy, undefined);
    return `${fleet.text(Properties.TopicArn)} to ${owner(path)}`;
  });
  for (const flow of [
    'Topics/MailFeedback to email-feedback',
    'Topics/PhotoReady to gallery',
    'Topics/Uploads to thumbnails',
    'Topics/Uploads to upload-audit',
  ]) {
    assert.ok(subscriptions.includes(flow), flow);
  }
});

test('the uploads are announced whenever they change, at the topic and on the event bus', () => {
  const { Properties } = fleet.at('AWS::S3::Bucket', 'Storage/Uploads');
  const { TopicConfigurations, EventBridgeConfiguration } = Properties.NotificationConfiguration as {
    TopicConfigurations: { Event: string; Topic: unknown; Filter?: unknown }[];
    EventBridgeConfiguration: unknown;
  };
  for (const { Topic, Filter } of TopicConfigurations) {
    assert.equal(fleet.text(Topic), 'Topics/Uploads');
    assert.equal(Filter, undefined);
  }
  assert.deepEqual(
    TopicConfigurations.map(({ Event }) => Event),
    ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:LifecycleExpiration:*'],
  );
  assert.deepEqual(EventBridgeConfiguration, { EventBridgeEnabled: true });
});

test('the uploads can be replayed from an archive', () => {
  const { EventPattern, RetentionDays } = fleet.only('AWS::Events::Archive').Properties as {
    EventPattern: { source: string[]; detail: { bucket: { name: unknown[] } } };
    RetentionDays: number;
  };
  assert.deepEqual(EventPattern.source, ['aws.s3']);
  assert.equal(fleet.text(EventPattern.detail.bucket.name[0]), 'Storage/Uploads');
  assert.ok(RetentionDays >= 14);
});

test('SES tells of everything that settles or stops a mail', () => {
  const { EventDestination } = fleet.only('AWS::SES::ConfigurationSetEventDestination').Properties as {
    EventDestination: { Enabled: boolean; MatchingEventTypes: string[]; SnsDestination: { TopicARN: unknown } };
  };
  assert.equal(EventDestination.Enabled, true);
  assert.equal(fleet.text(EventDestination.SnsDestination.TopicARN), 'Topics/MailFeedback');
  assert.deepEqual(EventDestination.MatchingEventTypes.sort(), [
    'bounce',
    'complaint',
    'delivery',
    'deliveryDelay',
    'reject',
    'renderingFailure',
    'send',
  ]);
});

test('every table can be restored, and cannot be deleted by mistake', () => {
  const tables = fleet.all('AWS::DynamoDB::GlobalTable');
  // The product's own; a worker may have more.
  assert.ok(tables.size >= 7);
  for (const [path, { Properties }] of tables) {
    const [replica] = Properties.Replicas as Record<string, unknown>[];
    assert.deepEqual(replica?.PointInTimeRecoverySpecification, { PointInTimeRecoveryEnabled: true }, path);
    assert.equal(replica?.DeletionProtectionEnabled, true, path);
    assert.equal(Properties.BillingMode, 'PAY_PER_REQUEST', path);
  }
});

test('the tables have the keys, streams and times to live that workers rely on', () => {
  const shape = (name: string) => {
    const { Properties } = fleet.at('AWS::DynamoDB::GlobalTable', `Tables/${name}`);
    const keys = (Properties.KeySchema as { AttributeName: string }[]).map(({ AttributeName }) => AttributeName);
    const stream = Properties.StreamSpecification as { StreamViewType: string } | undefined;
    const timeToLive = Properties.TimeToLiveSpecification as { AttributeName: string } | undefined;
    return [keys.join(' '), stream?.StreamViewType, timeToLive?.AttributeName];
  };
  assert.deepEqual(shape('Subscribers'), ['id', 'NEW_AND_OLD_IMAGES', undefined]);
  assert.deepEqual(shape('Posts'), ['slug', 'NEW_AND_OLD_IMAGES', undefined]);
  assert.deepEqual(shape('Claims'), ['claim', undefined, 'expires_at']);
  assert.deepEqual(shape('Rejections'), ['claim', undefined, 'expires_at']);
  assert.deepEqual(shape('Addresses'), ['address', undefined, undefined]);
  assert.deepEqual(shape('Catalogue'), ['photo', undefined, 'expires_at']);
  assert.deepEqual(shape('Views'), ['post hour', undefined, undefined]);
});

test('what holds data stays when the stack goes or a resource is replaced', () => {
  const holding = [
    'AWS::DynamoDB::GlobalTable',
    'AWS::KMS::Key',
    'AWS::Kinesis::Stream',
    'AWS::S3::Bucket',
    'AWS::SecretsManager::Secret',
  ];
  for (const type of holding) {
    const resources = fleet.all(type);
    assert.notEqual(resources.size, 0, type);
    for (const [path, { DeletionPolicy, UpdateReplacePolicy }] of resources) {
      assert.equal(DeletionPolicy, 'Retain', path);
      assert.equal(UpdateReplacePolicy, 'Retain', path);
    }
  }
});

test('what one worker could not do is not overwritten by another', () => {
  const { Properties } = fleet.at('AWS::S3::Bucket', 'Storage/Failures');
  assert.deepEqual(Properties.VersioningConfiguration, { Status: 'Enabled' });
});

test('the uploads and the audit keep older versions, and no lifecycle ends a current one', () => {
  for (const name of ['Uploads', 'Audit']) {
    const { Properties } = fleet.at('AWS::S3::Bucket', `Storage/${name}`);
    assert.deepEqual(Properties.VersioningConfiguration, { Status: 'Enabled' }, name);
    const { Rules } = Properties.LifecycleConfiguration as { Rules: Record<string, unknown>[] };
    for (const rule of Rules) {
      assert.equal(rule.ExpirationInDays, undefined, name);
      assert.equal(rule.ExpirationDate, undefined, name);
    }
  }
});
