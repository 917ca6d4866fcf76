import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AttributeType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Alarms } from '../lib/alarms.ts';
import { changesOf, ownQueue, type Source } from '../lib/source.ts';
import { Worker, type WorkerProps } from '../lib/worker.ts';

function stack(): Stack {
  return new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack');
}

/** A stack of one worker. */
function withWorker(input: Source, props: Partial<WorkerProps> = {}): Template {
  const scope = stack();
  const surroundings = {
    stage: 'dev',
    architecture: 'arm64' as const,
    failures: new Bucket(scope, 'Failures'),
    alarms: new Alarms(scope, 'Alarms', 'dev', new Topic(scope, 'Topic')),
    code: () => Code.fromAsset(join(import.meta.dirname, '..', 'placeholder')),
  };
  new Worker(scope, 'new-worker', surroundings, {
    source: input,
    memoryMb: 256,
    timeout: Duration.seconds(30),
    environment: {},
    permissions: [],
    ...props,
  });
  return Template.fromStack(scope);
}

test('a worker can have a queue that others send to, without a topic', () => {
  const template = withWorker(ownQueue({ batchSize: 10, maxConcurrency: 2 }));
  template.resourceCountIs('AWS::SNS::Subscription', 0);
  template.resourceCountIs('AWS::SQS::Queue', 2);
  template.hasResourceProperties('AWS::SQS::Queue', {
    QueueName: 'flotilla-dev-new-worker',
    VisibilityTimeout: 180,
    RedrivePolicy: Match.objectLike({ maxReceiveCount: 5 }),
  });
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
  assert.deepEqual(Object.keys(template.findOutputs('*')).sort(), [
    'NewWorkerDeadLetters',
    'NewWorkerFunction',
    'NewWorkerQueue',
  ]);
});

test('messages are hidden for the time of gathering a batch too', () => {
  const template = withWorker(ownQueue({ batchSize: 100, batchingWindow: Duration.seconds(20), maxConcurrency: 2 }));
  template.hasResourceProperties('AWS::SQS::Queue', {
    QueueName: 'flotilla-dev-new-worker',
    VisibilityTimeout: 6 * 30 + 20,
  });
});

test('a table without a stream cannot be a source', () => {
  const table = new TableV2(stack(), 'Table', { partitionKey: { name: 'id', type: AttributeType.STRING } });
  assert.throws(
    () => changesOf(table, { batchSize: 10, maxRecordAge: Duration.hours(6) }),
    /Stack.Table has no stream/,
  );
});

test('only a worker that holds records back has an alarm for it', () => {
  const held = (template: Template) =>
    Object.keys(template.findResources('AWS::CloudWatch::Alarm', { Properties: { MetricName: 'Held' } })).length;
  const input = ownQueue({ batchSize: 10, maxConcurrency: 2 });
  assert.equal(held(withWorker(input)), 0);
  assert.equal(held(withWorker(input, { holds: true })), 1);
});
