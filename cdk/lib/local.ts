import { CfnDeletionPolicy, CfnResource, CliCredentialsStackSynthesizer, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnGlobalTable } from 'aws-cdk-lib/aws-dynamodb';
import { CfnArchive } from 'aws-cdk-lib/aws-events';
import { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { CfnBucketPolicy } from 'aws-cdk-lib/aws-s3';
import { CfnTopicPolicy } from 'aws-cdk-lib/aws-sns';
import { CfnQueuePolicy } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { AsyncStack } from './async-stack.ts';

/** How long local AWS tries a record of a stream, in seconds. */
const LOCAL_RECORD_AGE = 60;

/**
 * How the stack is deployed to local AWS: by the caller, who is root there, and not by the roles that the CDK assumes. The
 * bucket of the assets denies itself to all who come without TLS, and only root is not asked.
 */
export function localStackProps(): StackProps {
  return { synthesizer: new CliCredentialsStackSynthesizer() };
}

/**
 * Everything that local AWS needs otherwise, and nothing else: what is not named here is deployed there as it is to an
 * account. Each difference says what local AWS does.
 */
export function adaptToLocalAws(stack: AsyncStack): void {
  // Its domains have no DKIM tokens to make records of, and its mail never leaves the machine.
  remove(stack.mail.records);
  for (const construct of stack.node.findAll()) {
    if (construct instanceof CfnArchive) {
      // Its CloudFormation refuses the type. Uploads reach the event bus, and rules on it, all the same.
      remove(construct);
    } else if (construct instanceof CfnResource) {
      forget(construct);
    }
    if (
      construct instanceof CfnBucketPolicy ||
      construct instanceof CfnTopicPolicy ||
      construct instanceof CfnQueuePolicy ||
      construct instanceof CfnPolicy
    ) {
      adaptPolicy(construct);
    }
    if (construct instanceof CfnEventSourceMapping && construct.maximumRecordAgeInSeconds !== undefined) {
      // It tries a record that fails again each second, counts no attempts, splits no batches and keeps nothing at the
      // end: a record of poison would hold its shard up for hours.
      construct.maximumRecordAgeInSeconds = LOCAL_RECORD_AGE;
    }
  }
}

/** Nothing on this machine is worth keeping when its stack goes, or when a deployment is rolled back. */
function forget(resource: CfnResource): void {
  resource.cfnOptions.deletionPolicy = CfnDeletionPolicy.DELETE;
  resource.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.DELETE;
  if (resource instanceof CfnGlobalTable) {
    resource.addPropertyOverride('Replicas.0.DeletionProtectionEnabled', false);
  }
}

/** What matters of a statement here. */
interface Statement {
  readonly Action: string | string[];
  readonly Condition?: { readonly Bool?: Readonly<Record<string, string>> };
}

/** Lets local AWS decide as AWS would, when its authorisation is on. */
function adaptPolicy(policy: CfnBucketPolicy | CfnTopicPolicy | CfnQueuePolicy | CfnPolicy): void {
  const document = Stack.of(policy).resolve(policy.policyDocument) as { Statement: Statement[] };
  for (const [index, { Action, Condition }] of document.Statement.entries()) {
    const statement = `PolicyDocument.Statement.${index}`;
    if (Condition?.Bool?.['aws:SecureTransport'] === 'false') {
      // It listens on loopback without TLS: denied to those who come so, S3 could not even tell a topic. Now it is denied
      // to those who come by TLS, who are none.
      policy.addPropertyOverride(`${statement}.Condition.Bool.aws:SecureTransport`, 'true');
    }
    if (Action === 'ses:SendEmail') {
      // It asks for no identity, but for all, and does not know the sender's address.
      policy.addPropertyOverride(`${statement}.Resource`, '*');
      policy.addPropertyDeletionOverride(`${statement}.Condition`);
    }
  }
}

function remove(construct: Construct): void {
  construct.node.scope?.node.tryRemoveChild(construct.node.id);
}
