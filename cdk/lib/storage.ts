import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, type BucketProps, CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

/** What S3 tells of the uploads: all that the thumbnail worker has a fate for. */
const UPLOAD_EVENTS = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:LifecycleExpiration:*'];

/** Every bucket of the fleet. None can be read by the public, all speak TLS only, and all are left when the stack goes. */
export class Storage extends Construct {
  /** Where visitors put photos. Versioned, because a worker reads exactly the version that it was told of. */
  readonly uploads: Bucket;
  /** Thumbnails, manifests, ledgers and the thumbnail worker's rejections: all can be made again from the uploads. */
  readonly thumbnails: Bucket;
  /** Who uploaded what, as JSON lines by hour. */
  readonly audit: Bucket;
  /** Whole events that Lambda gave up on: batches of streams and asynchronous calls. */
  readonly failures: Bucket;
  /** Who asked which bucket for what. */
  readonly accessLogs: Bucket;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.accessLogs = new Bucket(this, 'AccessLogs', {
      ...CLOSED,
      lifecycleRules: [{ expiration: Duration.days(90) }, ABANDONED_PARTS],
    });
    Validations.of(this.accessLogs).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'a log of the access to the access logs would log itself for ever',
    });
    this.uploads = new Bucket(this, 'Uploads', {
      ...this.logged('uploads/'),
      versioned: true,
      transferAcceleration: true,
      lifecycleRules: [
        // Long enough to take back an overwrite; the thumbnails of old versions are swept at once.
        { noncurrentVersionExpiration: Duration.days(30), expiredObjectDeleteMarker: true },
        ABANDONED_PARTS,
      ],
    });
    this.thumbnails = new Bucket(this, 'Thumbnails', {
      ...this.logged('thumbnails/'),
      lifecycleRules: [ABANDONED_PARTS],
    });
    this.audit = new Bucket(this, 'Audit', {
      ...this.logged('audit/'),
      // A record that was overwritten or deleted by hand is still there as an older version.
      versioned: true,
      lifecycleRules: [ABANDONED_PARTS],
    });
    this.failures = new Bucket(this, 'Failures', {
      ...this.logged('failures/'),
      // Every worker's role may write here, so none may overwrite what another could not do.
      versioned: true,
      lifecycleRules: [
        { expiration: Duration.days(90), noncurrentVersionExpiration: Duration.days(90) },
        ABANDONED_PARTS,
      ],
    });
  }

  /**
   * Announces every change of the uploads at a topic and on the default event bus.
   *
   * The bucket's own property is set, because the CDK's method would add a function of its own that calls S3 with
   * permissions on every bucket of the account.
   */
  announceUploads(topic: ITopic): void {
    this.resource(this.uploads).notificationConfiguration = {
      topicConfigurations: UPLOAD_EVENTS.map((event) => ({ event, topic: topic.topicArn })),
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
    // S3 tests the topic before it accepts the notification.
    this.uploads.node.addDependency(topic);
  }

  /** Announces what Lambda gave up on, on the default event bus. */
  announceFailures(): void {
    this.resource(this.failures).notificationConfiguration = {
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
  }

  private resource(bucket: Bucket): CfnBucket {
    const resource = bucket.node.defaultChild;
    if (!(resource instanceof CfnBucket)) {
      throw new Error(`${bucket.node.path} has no bucket of its own`);
    }
    return resource;
  }

  private logged(prefix: string): BucketProps {
    return { ...CLOSED, serverAccessLogsBucket: this.accessLogs, serverAccessLogsPrefix: prefix };
  }
}

/** What every bucket has in common. */
export const CLOSED: BucketProps = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  encryption: BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  removalPolicy: RemovalPolicy.RETAIN,
};

/** The parts of an upload that nobody completed are invisible, and paid for. */
const ABANDONED_PARTS = { abortIncompleteMultipartUploadAfter: Duration.days(7) };
