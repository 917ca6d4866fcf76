import { Duration, Validations } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type Alarms, PERIOD } from './alarms.ts';
import type { Permission } from './permission.ts';
import type { QueueSource } from './source.ts';

/** How often a message is tried. */
const MAX_RECEIVES = 5;
/** What AWS asks for: a call that is throttled is tried again within the time that its messages are hidden. */
const VISIBILITY_FACTOR = 6;
/** Dead letters keep the age that they had, so they must be kept for longer than the queue keeps messages. */
const KEPT = Duration.days(4);
const DEAD_LETTERS_KEPT = Duration.days(14);
/** A message that is older is waited for by somebody. */
const OLD = Duration.minutes(15);

/** The queue of a worker, its dead letters, and its subscription to a topic. */
export class WorkerQueue extends Construct {
  /** What the worker reads, `flotilla-STAGE-WORKER`. */
  readonly queue: Queue;
  /** What it failed at five times. */
  readonly deadLetters: Queue;
  /** What its topic could not deliver to the queue. */
  readonly undelivered?: Queue;
  /** What reading needs. */
  readonly permissions: Permission[];

  constructor(scope: Construct, name: string, source: QueueSource, worker: LambdaFunction) {
    super(scope, 'Input');
    const timeout = worker.timeout ?? Duration.seconds(3);
    const hidden = timeout.toSeconds() * VISIBILITY_FACTOR + source.batchingWindow.toSeconds();
    this.deadLetters = terminal(
      this,
      'DeadLetters',
      `${name}-dead-letters`,
      'it holds the dead letters of another queue',
    );
    this.queue = new Queue(this, 'Queue', {
      ...CLOSED,
      queueName: name,
      retentionPeriod: KEPT,
      visibilityTimeout: Duration.seconds(hidden),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVES },
    });
    if (source.topic !== undefined) {
      const why = 'it holds what a topic could not deliver: nothing reads it but an operator';
      this.undelivered = terminal(this, 'Undelivered', `${name}-undelivered`, why);
      source.topic.addSubscription(new SqsSubscription(this.queue, { deadLetterQueue: this.undelivered }));
    }
    new EventSourceMapping(this, 'Mapping', {
      target: worker,
      eventSourceArn: this.queue.queueArn,
      batchSize: source.batchSize,
      maxBatchingWindow: source.batchingWindow,
      maxConcurrency: source.maxConcurrency,
      reportBatchItemFailures: true,
    });
    this.permissions = [
      {
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
        resources: [this.queue.queueArn],
      },
    ];
  }

  /** Makes the alarms of the queue. */
  raiseAlarms(alarms: Alarms, worker: string): void {
    const maximum = { statistic: Stats.MAXIMUM, period: PERIOD };
    alarms.raise(worker, {
      metric: this.queue.metricApproximateAgeOfOldestMessage(maximum),
      threshold: OLD.toSeconds(),
      section: 'oldest-message',
      says: `A message has waited for ${worker} for a quarter of an hour.`,
    });
    alarms.raise(worker, {
      metric: this.deadLetters.metricApproximateNumberOfMessagesVisible(maximum),
      threshold: 1,
      section: 'dead-letters',
      says: `${worker} failed at a message ${MAX_RECEIVES} times.`,
    });
    if (this.undelivered !== undefined) {
      alarms.raise(worker, {
        metric: this.undelivered.metricApproximateNumberOfMessagesVisible(maximum),
        threshold: 1,
        section: 'undelivered',
        says: `SNS could not deliver a message to the queue of ${worker}.`,
      });
    }
  }
}

const CLOSED = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

/** A queue that only an operator empties. */
function terminal(scope: Construct, id: string, queueName: string, reason: string): Queue {
  const queue = new Queue(scope, id, { ...CLOSED, queueName, retentionPeriod: DEAD_LETTERS_KEPT });
  Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason });
  return queue;
}
