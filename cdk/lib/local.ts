import { CfnDeletionPolicy, CfnResource } from 'aws-cdk-lib';
import { CfnGlobalTable } from 'aws-cdk-lib/aws-dynamodb';
import { CfnArchive } from 'aws-cdk-lib/aws-events';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { AsyncStack } from './async-stack.ts';

/** How long local AWS tries a record of a stream, in seconds. */
const LOCAL_RECORD_AGE = 60;

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

function remove(construct: Construct): void {
  construct.node.scope?.node.tryRemoveChild(construct.node.id);
}
