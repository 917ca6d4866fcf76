import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  StreamViewType,
  TableEncryptionV2,
  type TablePropsV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

const DELIVERED_BY_STREAM = StreamViewType.NEW_AND_OLD_IMAGES;

/** Every table of the fleet. All can be restored to any second of the last 35 days, and none can be deleted by mistake. */
export class Tables extends Construct {
  /** Who subscribed. Its stream makes welcome mails. */
  readonly subscribers: TableV2;
  /** The blog's posts. Its stream makes invalidations. */
  readonly posts: TableV2;
  /** Which mails were claimed, sent, or perhaps sent. Losing an item means a second mail. */
  readonly claims: TableV2;
  /** Records that will never succeed, with the reason: `rejected#NAME`. */
  readonly rejections: TableV2;
  /** What may be sent to an address, by its digest. */
  readonly addresses: TableV2;
  /** The photos, by owner. */
  readonly catalogue: TableV2;
  /** Page views by post and hour, and how far the stream was counted. */
  readonly views: TableV2;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.subscribers = this.table('Subscribers', { partitionKey: text('id'), dynamoStream: DELIVERED_BY_STREAM });
    this.posts = this.table('Posts', { partitionKey: text('slug'), dynamoStream: DELIVERED_BY_STREAM });
    this.claims = this.table('Claims', { partitionKey: text('claim'), timeToLiveAttribute: 'expires_at' });
    this.rejections = this.table('Rejections', { partitionKey: text('claim'), timeToLiveAttribute: 'expires_at' });
    this.addresses = this.table('Addresses', { partitionKey: text('address') });
    this.catalogue = this.table('Catalogue', {
      partitionKey: text('photo'),
      timeToLiveAttribute: 'expires_at',
      globalSecondaryIndexes: [
        // A removed photo keeps a tombstone without an owner, which is how it leaves the index.
        { indexName: 'by-owner', partitionKey: text('owner'), sortKey: text('uploadedAt') },
      ],
    });
    this.views = this.table('Views', { partitionKey: text('post'), sortKey: text('hour') });
  }

  /** Makes one more table with what every table has in common. */
  table(id: string, props: TablePropsV2): TableV2 {
    return new TableV2(this, id, {
      ...props,
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.awsManagedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}

/** An attribute that is text. */
export function text(name: string): { name: string; type: AttributeType } {
  return { name, type: AttributeType.STRING };
}
