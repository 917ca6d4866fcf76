import { Duration, Stack } from 'aws-cdk-lib';
import { CfnGlobalTable, type ITableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { ITopic } from 'aws-cdk-lib/aws-sns';

/** What invokes a worker: a queue of its own, or a stream. */
export type Source = QueueSource | StreamSource;

/** A queue of the worker's own. */
export interface QueueSource {
  readonly kind: 'queue';
  /** Whose messages the queue gets. @default - whoever sends to it */
  readonly topic?: ITopic;
  /** The most messages in one call. */
  readonly batchSize: number;
  /** How long a batch is gathered. Needed for more than ten messages. */
  readonly batchingWindow: Duration;
  /** The most calls at once: what paces the services that the worker calls. At least two. */
  readonly maxConcurrency: number;
}

/** A DynamoDB or Kinesis stream. Both are worked in order, shard by shard, from the oldest record they keep. */
export interface StreamSource {
  readonly kind: 'table' | 'stream';
  /** The stream's ARN. */
  readonly arn: string;
  /** What the stream's listing is asked for, if it can be narrowed. */
  readonly listing?: string;
  /** The most records in one call. */
  readonly batchSize: number;
  /** How long a batch is gathered. */
  readonly batchingWindow: Duration;
  /** Which records reach the worker; the others are passed over for good. @default - all */
  readonly filter?: Record<string, unknown>;
  /**
   * How long a record is tried. After that it is kept in the failures bucket, whole, and the shard goes on without it.
   * A stream keeps records for 24 hours.
   */
  readonly maxRecordAge: Duration;
}

/** Messages of a topic, in a queue of the worker's own: a slow worker delays no other. */
export function messagesOf(topic: ITopic, batches: Batches & { maxConcurrency: number }): QueueSource {
  return { kind: 'queue', topic, maxConcurrency: batches.maxConcurrency, ...gathered(batches) };
}

/** A queue of the worker's own that others send to. */
export function ownQueue(batches: Batches & { maxConcurrency: number }): QueueSource {
  return { kind: 'queue', maxConcurrency: batches.maxConcurrency, ...gathered(batches) };
}

/** Changes of a table's items. Two workers at most should read one table's stream. */
export function changesOf(
  table: ITableV2,
  batches: Batches & { maxRecordAge: Duration; filter?: Record<string, unknown> },
): StreamSource {
  const resource = table.node.defaultChild;
  const streamless =
    resource instanceof CfnGlobalTable && Stack.of(table).resolve(resource.streamSpecification) === undefined;
  // Of a table of this app, the ARN is there though the stream is not: the deployment would fail.
  if (table.tableStreamArn === undefined || streamless) {
    throw new Error(`${table.node.path} has no stream: give it one in tables.ts`);
  }
  return {
    kind: 'table',
    arn: table.tableStreamArn,
    listing: `${table.tableArn}/stream/*`,
    filter: batches.filter,
    maxRecordAge: batches.maxRecordAge,
    ...gathered(batches),
  };
}

/** Records of a Kinesis stream. */
export function recordsOf(stream: IStream, batches: Batches & { maxRecordAge: Duration }): StreamSource {
  return { kind: 'stream', arn: stream.streamArn, maxRecordAge: batches.maxRecordAge, ...gathered(batches) };
}

/** How records are gathered into calls. */
export interface Batches {
  /** The most records in one call. */
  readonly batchSize: number;
  /** How long a batch is gathered. @default - a call as soon as there is a record */
  readonly batchingWindow?: Duration;
}

function gathered(batches: Batches): { batchSize: number; batchingWindow: Duration } {
  return { batchSize: batches.batchSize, batchingWindow: batches.batchingWindow ?? Duration.seconds(0) };
}
