import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { Archive, EventBus } from 'aws-cdk-lib/aws-events';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { Binaries } from './binaries.ts';
import type { Settings } from './context.ts';
import { dashboard } from './dashboard.ts';
import { FailureNotice } from './failures.ts';
import { Mail } from './mail.ts';
import { Site } from './site.ts';
import { Storage } from './storage.ts';
import { Tables } from './tables.ts';
import { Topics } from './topics.ts';
import { workers } from './workers.ts';

/** How long uploads can be replayed from the event bus. */
const ARCHIVED = Duration.days(30);

/** Every asynchronous flow of one stage, `flotilla-STAGE`. */
export class AsyncStack extends Stack {
  /** The domain that mail is sent from. */
  readonly mail: Mail;

  constructor(scope: Construct, settings: Settings, props?: StackProps) {
    super(scope, `flotilla-${settings.stage}`, {
      description: 'Flotilla: workers for the asynchronous flows of a product',
      ...props,
    });
    const topics = new Topics(this, 'Topics');
    const storage = new Storage(this, 'Storage');
    storage.announceUploads(topics.uploads);
    storage.announceFailures();
    const tables = new Tables(this, 'Tables');
    // One shard takes a thousand views a second. On demand would cost three times as much when idle.
    const pageViews = new Stream(this, 'PageViews', {
      streamMode: StreamMode.PROVISIONED,
      shardCount: 1,
      retentionPeriod: Duration.hours(24),
      encryption: StreamEncryption.MANAGED,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const mail = new Mail(this, 'Mail', settings, topics.mailFeedback);
    this.mail = mail;
    const site = new Site(this, 'Site', settings.distribution, storage.accessLogs);
    const alarms = new Alarms(this, 'Alarms', settings.stage, topics.alarms);
    const binaries = new Binaries(settings, this.bundlingRequired);
    const fleet = workers(
      this,
      { storage, tables, topics, mail, site, pageViews },
      {
        stage: settings.stage,
        architecture: settings.architecture,
        failures: storage.failures,
        alarms,
        code: (worker) => binaries.code(worker),
      },
      settings,
    );
    mail.raiseAlarms(alarms);
    new FailureNotice(this, 'FailureNotice', storage.failures, topics.alarms);
    new Archive(this, 'UploadArchive', {
      description: 'Every change of the uploads, to be replayed',
      sourceEventBus: EventBus.fromEventBusName(this, 'DefaultBus', 'default'),
      eventPattern: { source: ['aws.s3'], detail: { bucket: { name: [storage.uploads.bucketName] } } },
      retention: ARCHIVED,
    });
    dashboard(this, settings.stage, fleet, alarms);
    if (settings.alarmEmail !== undefined) {
      topics.alarms.addSubscription(new EmailSubscription(settings.alarmEmail));
    }
    if (settings.mailDomainIsAssumed && !settings.local) {
      Validations.of(this).addWarning(
        'flotilla:mailDomain',
        `mail would be sent from ${settings.mailDomain}, which is nobody's: give -c mailDomain=YOUR.DOMAIN`,
      );
    }
    for (const [name, value] of Object.entries({
      UploadsBucket: storage.uploads.bucketName,
      ThumbnailsBucket: storage.thumbnails.bucketName,
      AuditBucket: storage.audit.bucketName,
      FailuresBucket: storage.failures.bucketName,
      UploadsTopic: topics.uploads.topicArn,
      PhotoReadyTopic: topics.photoReady.topicArn,
      MailFeedbackTopic: topics.mailFeedback.topicArn,
      AlarmsTopic: topics.alarms.topicArn,
      PageViewsStream: pageViews.streamName,
      SubscribersTable: tables.subscribers.tableName,
      PostsTable: tables.posts.tableName,
      ClaimsTable: tables.claims.tableName,
      RejectionsTable: tables.rejections.tableName,
      AddressesTable: tables.addresses.tableName,
      CatalogueTable: tables.catalogue.tableName,
      ViewsTable: tables.views.tableName,
      DistributionId: site.distributionId,
      ConfigurationSet: mail.configurationSet.configurationSetName,
      SenderAddress: settings.senderAddress,
    })) {
      new CfnOutput(this, name, { value });
    }
  }
}
