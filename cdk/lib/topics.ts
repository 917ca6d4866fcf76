import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Permission } from './permission.ts';

/** Every topic of the fleet, encrypted under one key. */
export class Topics extends Construct {
  /** Encrypts what waits at a topic. A key of the account's own, because services that publish may not use AWS's. */
  readonly key: Key;
  /** Changes of the uploads, as S3 tells them. */
  readonly uploads: Topic;
  /** Photos whose thumbnails are ready. */
  readonly photoReady: Topic;
  /** What became of mails, as SES tells it. */
  readonly mailFeedback: Topic;
  /** Alarms. */
  readonly alarms: Topic;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      description: 'Encrypts what waits at the topics of the fleet',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.uploads = this.topic('Uploads');
    this.photoReady = this.topic('PhotoReady');
    this.mailFeedback = this.topic('MailFeedback');
    this.alarms = this.topic('Alarms');
    // By account and not by bucket: S3 tests the topic while the bucket is made, so the topic cannot wait for its name.
    this.admit('s3', this.uploads);
    this.admit('cloudwatch', this.alarms);
    // The topic's policy asks S3 for the account; the key's does not, because only some services say it to KMS.
    this.lend('s3');
    this.lend('ses', this.ofThisAccount());
    this.lend('cloudwatch', this.ofThisAccount());
  }

  /** What publishing at a topic needs. */
  publishing(topic: ITopic): Permission[] {
    return [
      { actions: ['sns:Publish'], resources: [topic.topicArn] },
      { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [this.key.keyArn] },
    ];
  }

  private topic(id: string): Topic {
    return new Topic(this, id, { masterKey: this.key, enforceSSL: true });
  }

  private admit(service: string, topic: Topic): void {
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(`${service}.amazonaws.com`)],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: this.ofThisAccount(),
      }),
    );
  }

  private lend(service: string, conditions?: Record<string, unknown>): void {
    this.key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(`${service}.amazonaws.com`)],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        // In a key's policy, this means the key itself.
        resources: ['*'],
        conditions,
      }),
    );
  }

  private ofThisAccount(): Record<string, unknown> {
    return { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } };
  }
}
