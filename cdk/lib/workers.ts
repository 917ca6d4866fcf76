import { Duration } from 'aws-cdk-lib';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { Construct } from 'constructs';
import type { Settings } from './context.ts';
import type { Mail } from './mail.ts';
import { onListing, onObjects, onTable } from './permission.ts';
import type { Site } from './site.ts';
import * as source from './source.ts';
import type { Storage } from './storage.ts';
import type { Tables } from './tables.ts';
import type { Topics } from './topics.ts';
import { type Surroundings, Worker, type WorkerProps } from './worker.ts';

/** What workers read, write and call. */
export interface Resources {
  readonly storage: Storage;
  readonly tables: Tables;
  readonly topics: Topics;
  readonly mail: Mail;
  readonly site: Site;
  readonly pageViews: IStream;
}

/** The fleet: one block for each worker, in the order of the flows. */
export function workers(
  scope: Construct,
  resources: Resources,
  surroundings: Surroundings,
  settings: Settings,
): Worker[] {
  const { storage, tables, topics, mail, site, pageViews } = resources;
  const fleet: Worker[] = [];
  const worker = (name: string, props: WorkerProps): void => {
    fleet.push(new Worker(scope, name, surroundings, props));
  };

  worker('thumbnails', {
    // Decoding takes half of the memory, and a whole processor is worth its price.
    source: source.messagesOf(topics.uploads, { batchSize: 10, maxConcurrency: 20 }),
    memoryMb: 2048,
    timeout: Duration.minutes(2),
    environment: {
      THUMBNAILS_BUCKET: storage.thumbnails.bucketName,
      PHOTO_READY_TOPIC: topics.photoReady.topicArn,
    },
    permissions: [
      onObjects(storage.uploads, [''], 'GetObject', 'GetObjectVersion'),
      onListing(storage.uploads),
      onObjects(storage.thumbnails, [''], 'GetObject', 'PutObject', 'DeleteObject'),
      onListing(storage.thumbnails),
      ...topics.publishing(topics.photoReady),
    ],
  });

  worker('upload-audit', {
    // Nobody waits for the record: fewer, larger calls.
    source: source.messagesOf(topics.uploads, {
      batchSize: 50,
      batchingWindow: Duration.seconds(5),
      maxConcurrency: 2,
    }),
    memoryMb: 256,
    timeout: Duration.seconds(30),
    environment: { AUDIT_BUCKET: storage.audit.bucketName },
    permissions: [onObjects(storage.audit, ['uploads/', 'rejected/upload-audit/'], 'PutObject')],
  });

  worker('gallery', {
    source: source.messagesOf(topics.photoReady, { batchSize: 10, maxConcurrency: 5 }),
    memoryMb: 256,
    timeout: Duration.seconds(30),
    environment: {
      CATALOGUE_TABLE: tables.catalogue.tableName,
      REJECTIONS_TABLE: tables.rejections.tableName,
    },
    permissions: [onTable(tables.catalogue, 'GetItem', 'PutItem'), onTable(tables.rejections, 'PutItem')],
  });

  worker('welcome-mail', {
    source: source.changesOf(tables.subscribers, {
      batchSize: 25,
      // The worker does nothing about the others, and this saves the calls.
      filter: { eventName: ['INSERT'] },
      // A paused account is put right by a person: there is most of a day for it.
      maxRecordAge: Duration.hours(20),
    }),
    memoryMb: 256,
    timeout: Duration.minutes(1),
    environment: {
      CLAIMS_TABLE: tables.claims.tableName,
      REJECTIONS_TABLE: tables.rejections.tableName,
      ADDRESSES_TABLE: tables.addresses.tableName,
      WELCOME_FROM: settings.sender,
      UNSUBSCRIBE_URL: settings.unsubscribeUrl,
      // CloudFormation puts the value in when it deploys: neither the template nor this app ever holds it.
      UNSUBSCRIBE_KEY: mail.unsubscribeKey.secretValue.unsafeUnwrap(),
      CONFIGURATION_SET: mail.configurationSet.configurationSetName,
      SETTLE_SECONDS: '120',
      ...(settings.blogName === undefined ? {} : { BLOG_NAME: settings.blogName }),
      ...(settings.blogUrl === undefined ? {} : { BLOG_URL: settings.blogUrl }),
    },
    permissions: [
      onTable(tables.claims, 'PutItem'),
      onTable(tables.rejections, 'PutItem'),
      onTable(tables.addresses, 'GetItem'),
      mail.sending(),
    ],
    holds: true,
  });

  worker('email-feedback', {
    source: source.messagesOf(topics.mailFeedback, { batchSize: 10, maxConcurrency: 5 }),
    memoryMb: 256,
    timeout: Duration.seconds(30),
    environment: {
      ADDRESSES_TABLE: tables.addresses.tableName,
      CLAIMS_TABLE: tables.claims.tableName,
      SUBSCRIBERS_TABLE: tables.subscribers.tableName,
      REJECTIONS_TABLE: tables.rejections.tableName,
    },
    permissions: [
      onTable(tables.addresses, 'GetItem', 'UpdateItem'),
      onTable(tables.claims, 'PutItem'),
      onTable(tables.subscribers, 'UpdateItem'),
      onTable(tables.rejections, 'PutItem'),
    ],
  });

  worker('cache-invalidation', {
    // An invalidation takes longer than this, and the first thousand paths of a month are free: fewer, larger ones.
    source: source.changesOf(tables.posts, {
      batchSize: 100,
      batchingWindow: Duration.seconds(5),
      maxRecordAge: Duration.hours(6),
    }),
    memoryMb: 256,
    timeout: Duration.seconds(30),
    environment: {
      DISTRIBUTION_ID: site.distributionId,
      REJECTIONS_TABLE: tables.rejections.tableName,
    },
    permissions: [
      { actions: ['cloudfront:CreateInvalidation'], resources: [site.distributionArn] },
      onTable(tables.rejections, 'PutItem'),
    ],
  });

  worker('page-views', {
    // Views of one post in one batch are one write, so a larger batch is cheaper; nobody waits for a counter.
    source: source.recordsOf(pageViews, {
      batchSize: 1000,
      batchingWindow: Duration.seconds(15),
      maxRecordAge: Duration.hours(20),
    }),
    memoryMb: 256,
    timeout: Duration.minutes(1),
    environment: {
      VIEWS_TABLE: tables.views.tableName,
      REJECTIONS_TABLE: tables.rejections.tableName,
    },
    permissions: [onTable(tables.views, 'GetItem', 'PutItem', 'UpdateItem'), onTable(tables.rejections, 'PutItem')],
  });

  // New workers go above this line.
  return fleet;
}
