import { Stack, Validations } from 'aws-cdk-lib';
import { Distribution, PriceClass, ViewerProtocolPolicy } from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { CLOSED } from './storage.ts';

/** The distribution whose copies of posts are invalidated: one that is there already, or a small one of the stack's own. */
export class Site extends Construct {
  /** The id of the distribution. */
  readonly distributionId: string;
  /** The ARN of the distribution. */
  readonly distributionArn: string;

  /**
   * @param existing - the id of a distribution that is there already
   * @param accessLogs - where S3 logs who asked the site's bucket for what
   */
  constructor(scope: Construct, id: string, existing: string | undefined, accessLogs: IBucket) {
    super(scope, id);
    this.distributionId = existing ?? this.distribution(accessLogs).distributionId;
    this.distributionArn = Stack.of(this).formatArn({
      service: 'cloudfront',
      region: '',
      resource: 'distribution',
      resourceName: this.distributionId,
    });
  }

  /** A private bucket that this distribution alone may read. */
  private distribution(accessLogs: IBucket): Distribution {
    const pages = new Bucket(this, 'Pages', {
      ...CLOSED,
      versioned: true,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: 'site/',
    });
    const distribution = new Distribution(this, 'Distribution', {
      comment: `${Stack.of(this).stackName}: the site`,
      defaultRootObject: 'index.html',
      priceClass: PriceClass.PRICE_CLASS_100,
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(pages),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      },
    });
    Validations.of(distribution).acknowledge(
      { id: 'AwsSolutions-CFR1', reason: 'a blog is read from everywhere' },
      { id: 'AwsSolutions-CFR2', reason: 'static files from a private bucket: there is nothing behind them to attack' },
      { id: 'AwsSolutions-CFR3', reason: 'S3 logs what reaches the bucket, and views are counted by page-views' },
      { id: 'AwsSolutions-CFR4', reason: 'without a domain of its own, it has the certificate of cloudfront.net' },
    );
    return distribution;
  }
}
