import { Stack, Validations } from 'aws-cdk-lib';
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type PolicyStatementProps, type Role } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';

/**
 * Something that a worker may do. Written out action by action: the CDK's `grant` methods give a worker two to five times
 * what it calls.
 */
export interface Permission {
  /** The actions, `service:Action`. */
  readonly actions: string[];
  /** What they may be done to. */
  readonly resources: string[];
  /** When they may be done. */
  readonly conditions?: PolicyStatementProps['conditions'];
  /** Why a resource has a wildcard. Nothing has one without. */
  readonly wildcard?: string;
}

/** Operations on the items of a table. */
export function onTable(table: ITableV2, ...operations: ('GetItem' | 'PutItem' | 'UpdateItem')[]): Permission {
  return { actions: operations.map((operation) => `dynamodb:${operation}`), resources: [table.tableArn] };
}

/**
 * Operations on the objects of a bucket.
 *
 * @param prefixes - what their keys begin with; an empty one is every object
 */
export function onObjects(bucket: IBucket, prefixes: string[], ...operations: string[]): Permission {
  return {
    actions: operations.map((operation) => `s3:${operation}`),
    resources: prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
    wildcard: 'the keys of objects are made from what users upload, or from the time: only their prefix is known',
  };
}

/** Listing a bucket: without it, S3 answers for an object that is not there as if it were forbidden. */
export function onListing(bucket: IBucket): Permission {
  return { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] };
}

/** Gives a role its permissions, and says why each wildcard among them is there. */
export function grant(role: Role, permissions: Permission[]): void {
  for (const { actions, resources, conditions, wildcard } of permissions) {
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources, conditions }));
    for (const resource of resources) {
      const finding = flattened(Stack.of(role).resolve(resource));
      if (finding.includes('*') && wildcard !== undefined) {
        Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${finding}]`, reason: wildcard });
      }
    }
  }
}

/** A resolved value as cdk-nag writes it in a finding: `<LogicalId.Arn>/*`. */
function flattened(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  if (typeof value === 'object' && value !== null) {
    const [[intrinsic, of] = []] = Object.entries(value) as [string, unknown][];
    if (intrinsic === 'Ref') {
      return `<${flattened(of)}>`;
    }
    if (intrinsic === 'Fn::GetAtt' && Array.isArray(of)) {
      return `<${of.map(flattened).join('.')}>`;
    }
    if (intrinsic === 'Fn::Join' && Array.isArray(of) && Array.isArray(of[1])) {
      return of[1].map(flattened).join(String(of[0]));
    }
  }
  throw new Error(`not a part of an ARN: ${JSON.stringify(value)}`);
}
