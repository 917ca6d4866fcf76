import { Validations } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { runbook } from './alarms.ts';

/**
 * Says at the alarms topic that Lambda gave up on an event and kept it. A rule and not an alarm: CloudWatch has no free
 * metric for it.
 */
export class FailureNotice extends Construct {
  constructor(scope: Construct, id: string, failures: IBucket, alarms: ITopic) {
    super(scope, id);
    // A role, because EventBridge tells KMS nothing that a key's policy could restrict it by.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('events.amazonaws.com') });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Action::kms:GenerateDataKey*]',
      reason: 'the CDK grants both ways of making a data key, on the one key of the topics',
    });
    const unheard = new Queue(this, 'Unheard', { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true });
    Validations.of(unheard).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'it holds notices that could not be published: nothing reads it but an operator',
    });
    new Rule(this, 'Rule', {
      description: 'Lambda gave up on an event and kept it',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [failures.bucketName] } },
      },
      targets: [
        new SnsTopic(alarms, {
          authorizeUsingRole: true,
          role,
          deadLetterQueue: unheard,
          message: RuleTargetInput.fromText(
            `Lambda gave up on an event of the fleet and kept it as s3://${failures.bucketName}/` +
              `${EventField.fromPath('$.detail.object.key')}. What to do: ${runbook('kept-after-failure')}`,
          ),
        }),
      ],
    });
  }
}
