import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EventSourceMapping, type Function as LambdaFunction, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { type Alarms, PERIOD } from './alarms.ts';
import type { Permission } from './permission.ts';
import type { StreamSource } from './source.ts';

/**
 * Lambda's largest. The age of a record is what ends its retries: a count would give up within minutes of an outage,
 * because a batch that fails at once is tried again at once.
 */
const MAX_RETRIES = 10_000;
/** A record that waits for longer is late for whoever waits for its effect. */
const LATE = Duration.minutes(10);

const READING = {
  table: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
  stream: [
    'kinesis:DescribeStream',
    'kinesis:DescribeStreamSummary',
    'kinesis:GetRecords',
    'kinesis:GetShardIterator',
    'kinesis:ListShards',
  ],
};

/** The place of a worker in a stream. */
export class WorkerStream extends Construct {
  /** What reading needs. */
  readonly permissions: Permission[];

  constructor(
    scope: Construct,
    source: StreamSource,
    private readonly worker: LambdaFunction,
    failures: IBucket,
  ) {
    super(scope, 'Input');
    new EventSourceMapping(this, 'Mapping', {
      target: worker,
      eventSourceArn: source.arn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: source.batchSize,
      maxBatchingWindow: source.batchingWindow,
      // One batch of a shard at a time: the checkpoints of page views, and the order of a key's changes, rest on it.
      parallelizationFactor: 1,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: MAX_RETRIES,
      maxRecordAge: source.maxRecordAge,
      filters: source.filter === undefined ? undefined : [{ pattern: JSON.stringify(source.filter) }],
      onFailure: { bind: () => ({ destination: failures.bucketArn }) },
      supportS3OnFailureDestination: true,
    });
    this.permissions = [{ actions: READING[source.kind], resources: [source.arn] }];
    if (source.listing !== undefined) {
      this.permissions.push({
        actions: ['dynamodb:ListStreams'],
        resources: [source.listing],
        wildcard: 'streams of a table are listed before their name is known',
      });
    }
  }

  /** Makes the alarm of the stream. */
  raiseAlarms(alarms: Alarms, worker: string): void {
    alarms.raise(worker, {
      metric: this.worker.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: PERIOD }),
      threshold: LATE.toMilliseconds(),
      section: 'iterator-age',
      says: `${worker} is ten minutes behind its stream: a record fails again and again, or there are too many.`,
    });
  }
}
