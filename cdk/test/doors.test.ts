import assert from 'node:assert/strict';
import { test } from 'node:test';
import { list, owner, synthesised } from './synthesised.ts';

const fleet = synthesised();

interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Principal?: '*' | Record<string, unknown>;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

function statements(properties: Record<string, unknown>, document = 'PolicyDocument'): Statement[] {
  return (properties[document] as { Statement: Statement[] }).Statement;
}

/** What a policy admits, one `action resource` each. */
function admitted(properties: Record<string, unknown>): string[] {
  return statements(properties).flatMap(({ Effect, Action, Resource }) => {
    assert.equal(Effect, 'Allow');
    return list(Action).flatMap((action) => list(Resource).map((resource) => `${action} ${fleet.text(resource)}`));
  });
}

/** What every worker may do. */
function always(worker: string): string[] {
  return [
    `logs:CreateLogStream ${worker}/Logs`,
    `logs:PutLogEvents ${worker}/Logs`,
    's3:ListBucket Storage/Failures',
    's3:PutObject Storage/Failures/*',
    'xray:PutTelemetryRecords *',
    'xray:PutTraceSegments *',
  ];
}

function queue(worker: string): string[] {
  return ['DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'].map(
    (operation) => `sqs:${operation} ${worker}/Input/Queue`,
  );
}

function table(name: string): string[] {
  return [
    `dynamodb:DescribeStream Tables/${name}.StreamArn`,
    `dynamodb:GetRecords Tables/${name}.StreamArn`,
    `dynamodb:GetShardIterator Tables/${name}.StreamArn`,
    `dynamodb:ListStreams Tables/${name}/stream/*`,
  ];
}

function stream(name: string): string[] {
  return ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards'].map(
    (operation) => `kinesis:${operation} ${name}`,
  );
}

/** What each worker may do beside, and nothing else. */
const PERMISSIONS: Record<string, string[]> = {
  thumbnails: [
    ...queue('thumbnails'),
    's3:GetObject Storage/Uploads/*',
    's3:GetObjectVersion Storage/Uploads/*',
    's3:ListBucket Storage/Uploads',
    's3:GetObject Storage/Thumbnails/*',
    's3:PutObject Storage/Thumbnails/*',
    's3:DeleteObject Storage/Thumbnails/*',
    's3:ListBucket Storage/Thumbnails',
    'sns:Publish Topics/PhotoReady',
    'kms:Decrypt Topics/Key',
    'kms:GenerateDataKey Topics/Key',
  ],
  'upload-audit': [
    ...queue('upload-audit'),
    's3:PutObject Storage/Audit/uploads/*',
    's3:PutObject Storage/Audit/rejected/upload-audit/*',
  ],
  gallery: [
    ...queue('gallery'),
    'dynamodb:GetItem Tables/Catalogue',
    'dynamodb:PutItem Tables/Catalogue',
    'dynamodb:PutItem Tables/Rejections',
  ],
  'welcome-mail': [
    ...table('Subscribers'),
    'dynamodb:PutItem Tables/Claims',
    'dynamodb:PutItem Tables/Rejections',
    'dynamodb:GetItem Tables/Addresses',
    'ses:SendEmail arn:{Partition}:ses:{Region}:{AccountId}:identity/Mail/Identity',
    'ses:SendEmail arn:{Partition}:ses:{Region}:{AccountId}:configuration-set/Mail/ConfigurationSet',
  ],
  'email-feedback': [
    ...queue('email-feedback'),
    'dynamodb:GetItem Tables/Addresses',
    'dynamodb:UpdateItem Tables/Addresses',
    'dynamodb:PutItem Tables/Claims',
    'dynamodb:UpdateItem Tables/Subscribers',
    'dynamodb:PutItem Tables/Rejections',
  ],
  'cache-invalidation': [
    ...table('Posts'),
    'cloudfront:CreateInvalidation arn:{Partition}:cloudfront::{AccountId}:distribution/Site/Distribution',
    'dynamodb:PutItem Tables/Rejections',
  ],
  'page-views': [
    ...stream('PageViews'),
    'dynamodb:GetItem Tables/Views',
    'dynamodb:PutItem Tables/Views',
    'dynamodb:UpdateItem Tables/Views',
    'dynamodb:PutItem Tables/Rejections',
  ],
  // New workers go above this line.
};

for (const worker of [...fleet.all('AWS::Lambda::Function').keys()].map(owner)) {
  test(`${worker} may do what it needs, and nothing else`, () => {
    const { Properties } = fleet.at('AWS::IAM::Policy', `${worker}/Role/DefaultPolicy`);
    const expected = [...always(worker), ...(PERMISSIONS[worker] ?? ['its permissions, in this test'])];
    assert.deepEqual(admitted(Properties).sort(), expected.sort());
  });
}

test('no role has a policy of AWS, and a worker has its own alone', () => {
  for (const [path, { Properties }] of fleet.all('AWS::IAM::Role')) {
    assert.equal(Properties.ManagedPolicyArns, undefined, path);
    assert.equal(Properties.Policies, undefined, path);
  }
  const policies = [...fleet.all('AWS::IAM::Policy')];
  for (const [path, { Properties }] of policies) {
    const roles = (Properties.Roles as unknown[]).map((role) => fleet.text(role));
    assert.deepEqual(roles, [path.replace(/\/DefaultPolicy$/, '')]);
  }
});

test('no action has a wildcard but the one that the CDK grants on the key', () => {
  const wild = [...fleet.all('AWS::IAM::Policy').values()]
    .flatMap(({ Properties }) => admitted(Properties))
    .filter((permission) => permission.split(' ')[0]?.includes('*'));
  assert.deepEqual(wild, ['kms:GenerateDataKey* Topics/Key']);
});

test('mail is sent from one address only', () => {
  const { Properties } = fleet.at('AWS::IAM::Policy', 'welcome-mail/Role/DefaultPolicy');
  const sending = statements(Properties).filter(({ Action }) =>
    list(Action).some((action) => action.startsWith('ses:')),
  );
  assert.equal(sending.length, 1);
  assert.deepEqual(sending[0]?.Condition, { StringEquals: { 'ses:FromAddress': 'hello@dev.example.com' } });
});

test('only Lambda takes the role of a worker', () => {
  for (const [path, { Properties }] of fleet.all('AWS::IAM::Role')) {
    const [statement] = statements(Properties, 'AssumeRolePolicyDocument');
    const service = path === 'FailureNotice/Role' ? 'events.amazonaws.com' : 'lambda.amazonaws.com';
    assert.deepEqual(statement?.Principal, { Service: service }, path);
  }
});

test('nobody can reach a function but through its mapping', () => {
  for (const type of ['AWS::Lambda::Permission', 'AWS::Lambda::Url']) {
    assert.equal(fleet.all(type).size, 0, type);
  }
});

test('no bucket can be made public, and each is encrypted and logged', () => {
  const buckets = fleet.all('AWS::S3::Bucket');
  assert.equal(buckets.size, 6);
  for (const [path, { Properties }] of buckets) {
    assert.deepEqual(
      Properties.PublicAccessBlockConfiguration,
      { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
      path,
    );
    assert.deepEqual(
      Properties.BucketEncryption,
      { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
      path,
    );
    if (path !== 'Storage/AccessLogs') {
      const { DestinationBucketName } = Properties.LoggingConfiguration as { DestinationBucketName: unknown };
      assert.equal(fleet.text(DestinationBucketName), 'Storage/AccessLogs', path);
    }
  }
});

test('buckets, queues and topics refuse what does not come by TLS', () => {
  for (const [type, policyType, suffix] of [
    ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy', '/Policy'],
    ['AWS::SQS::Queue', 'AWS::SQS::QueuePolicy', '/Policy'],
    ['AWS::SNS::Topic', 'AWS::SNS::TopicPolicy', '/Policy'],
  ] as const) {
    for (const path of fleet.all(type).keys()) {
      const { Properties } = fleet.at(policyType, `${path}${suffix}`);
      const denied = statements(Properties).some(
        ({ Effect, Principal, Condition }) =>
          Effect === 'Deny' &&
          (Principal === '*' || Principal?.AWS === '*') &&
          Condition?.Bool?.['aws:SecureTransport'] === 'false',
      );
      assert.ok(denied, path);
    }
  }
});

test('a policy of a resource admits no stranger', () => {
  for (const type of ['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy']) {
    for (const [path, { Properties }] of fleet.all(type)) {
      for (const { Effect, Principal, Condition } of statements(Properties)) {
        if (Effect === 'Allow') {
          assert.ok(typeof Principal === 'object' && Principal.Service !== undefined, path);
          // A service acts for everybody: the condition says for whom it may act here.
          assert.match(JSON.stringify(Condition ?? {}), /aws:SourceArn|aws:SourceAccount/i, path);
        }
      }
    }
  }
});

test('queues, topics, tables and the stream are encrypted', () => {
  for (const [path, { Properties }] of fleet.all('AWS::SQS::Queue')) {
    assert.equal(Properties.SqsManagedSseEnabled, true, path);
  }
  for (const [path, { Properties }] of fleet.all('AWS::SNS::Topic')) {
    assert.equal(fleet.text(Properties.KmsMasterKeyId), 'Topics/Key', path);
  }
  for (const [path, { Properties }] of fleet.all('AWS::DynamoDB::GlobalTable')) {
    assert.deepEqual(Properties.SSESpecification, { SSEEnabled: true, SSEType: 'KMS' }, path);
  }
  for (const [path, { Properties }] of fleet.all('AWS::Kinesis::Stream')) {
    assert.deepEqual(Properties.StreamEncryption, { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' }, path);
  }
});

test('the services that publish may use the key of the topics, and rotate it', () => {
  const { Properties } = fleet.at('AWS::KMS::Key', 'Topics/Key');
  assert.equal(Properties.EnableKeyRotation, true);
  const services = statements(Properties, 'KeyPolicy').flatMap(({ Principal }) =>
    typeof Principal === 'object' ? list(Principal.Service as string | string[] | undefined) : [],
  );
  // Without S3 here, every upload would be lost in silence.
  assert.deepEqual(services.sort(), ['cloudwatch.amazonaws.com', 's3.amazonaws.com', 'ses.amazonaws.com']);
});

test('the secret is in no variable, output or parameter of the template', () => {
  const { Environment } = fleet.at('AWS::Lambda::Function', 'welcome-mail/Function').Properties as {
    Environment: { Variables: Record<string, unknown> };
  };
  assert.match(JSON.stringify(Environment.Variables.UNSUBSCRIBE_KEY), /\{\{resolve:secretsmanager:/);
  assert.doesNotMatch(JSON.stringify(fleet.outputs), /secretsmanager/);
  const { GenerateSecretString } = fleet.at('AWS::SecretsManager::Secret', 'Mail/UnsubscribeKey').Properties as {
    GenerateSecretString: { PasswordLength: number };
  };
  assert.ok(GenerateSecretString.PasswordLength >= 32);
});

test('the site is read through its distribution only, by HTTPS', () => {
  const { DistributionConfig } = fleet.at('AWS::CloudFront::Distribution', 'Site/Distribution').Properties as {
    DistributionConfig: {
      DefaultCacheBehavior: { ViewerProtocolPolicy: string };
      Origins: { OriginAccessControlId?: unknown }[];
    };
  };
  assert.equal(DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy, 'redirect-to-https');
  assert.ok(DistributionConfig.Origins.every((origin) => origin.OriginAccessControlId !== undefined));
});

test('a worker that causes its own input is stopped', () => {
  for (const [path, { Properties }] of fleet.all('AWS::Lambda::Function')) {
    assert.equal(Properties.RecursiveLoop, 'Terminate', path);
  }
});

test('a distribution that is there already is the only one that may be invalidated', () => {
  const given = synthesised({ distribution: 'E1ABCDEF2GHIJ' });
  assert.equal(given.all('AWS::CloudFront::Distribution').size, 0);
  const { Properties } = given.at('AWS::IAM::Policy', 'cache-invalidation/Role/DefaultPolicy');
  const resources = statements(Properties)
    .filter(({ Action }) => list(Action).includes('cloudfront:CreateInvalidation'))
    .flatMap(({ Resource }) => list(Resource).map((resource) => given.text(resource)));
  assert.deepEqual(resources, ['arn:{Partition}:cloudfront::{AccountId}:distribution/E1ABCDEF2GHIJ']);
});
