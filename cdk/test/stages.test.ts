import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { pascal } from '../lib/worker.ts';
import { owner, synthesised } from './synthesised.ts';

const WORKERS = resolve(import.meta.dirname, '..', '..', 'workers');

/** Where CloudFormation is told a name, rather than left to make one. */
const NAMES = [
  'AlarmName',
  'ArchiveName',
  'BucketName',
  'DashboardName',
  'EmailIdentity',
  'FunctionName',
  'LogGroupName',
];
const MORE_NAMES = ['Name', 'QueueName', 'RoleName', 'RuleName', 'StreamName', 'TableName', 'TopicName', 'AliasName'];

/** Every name that a stack gives by itself. */
function names(stage: string): Set<string> {
  const fleet = synthesised({ stage });
  const found = new Set<string>();
  for (const { Type, Properties } of Object.values(fleet.resources)) {
    const access = Properties.OriginAccessControlConfig as { Name: string } | undefined;
    for (const [key, value] of [...Object.entries(Properties), ['Name', access?.Name] as const]) {
      if (typeof value === 'string' && [...NAMES, ...MORE_NAMES].includes(key)) {
        found.add(`${Type} ${value}`);
      }
    }
  }
  return found;
}

test('two stages share no name, so that both fit into one account', () => {
  const dev = names('dev');
  const staging = names('staging');
  assert.ok(dev.size > 60);
  assert.equal(dev.size, staging.size);
  assert.deepEqual(
    [...dev].filter((name) => staging.has(name)),
    [],
  );
});

test('every worker of the workspace is deployed, under the name of its folder', () => {
  const folders = readdirSync(WORKERS).filter((name) => existsSync(join(WORKERS, name, 'lambda', 'Cargo.toml')));
  const deployed = [...synthesised().all('AWS::Lambda::Function')].map(([path, { Properties }]) => {
    assert.equal(Properties.FunctionName, `flotilla-dev-${owner(path)}`);
    return owner(path);
  });
  for (const folder of folders) {
    assert.ok(deployed.includes(folder), `workers/${folder} has no block in lib/workers.ts`);
  }
});

test('the outputs name everything that commands need', () => {
  const fleet = synthesised();
  const of = (name: string) => fleet.text(fleet.outputs[name]?.Value);
  assert.equal(of('UploadsBucket'), 'Storage/Uploads');
  assert.equal(of('ThumbnailsBucket'), 'Storage/Thumbnails');
  assert.equal(of('AuditBucket'), 'Storage/Audit');
  assert.equal(of('FailuresBucket'), 'Storage/Failures');
  assert.equal(of('UploadsTopic'), 'Topics/Uploads');
  assert.equal(of('PhotoReadyTopic'), 'Topics/PhotoReady');
  assert.equal(of('MailFeedbackTopic'), 'Topics/MailFeedback');
  assert.equal(of('PageViewsStream'), 'PageViews');
  for (const table of ['Subscribers', 'Posts', 'Claims', 'Rejections', 'Addresses', 'Catalogue', 'Views']) {
    assert.equal(of(`${table}Table`), `Tables/${table}`);
  }
  assert.equal(of('DistributionId'), 'Site/Distribution');
  assert.equal(of('ConfigurationSet'), 'Mail/ConfigurationSet');
  assert.equal(of('SenderAddress'), 'hello@dev.example.com');
  for (const [path] of fleet.all('AWS::Lambda::EventSourceMapping')) {
    const worker = owner(path);
    assert.equal(of(`${pascal(worker)}Function`), `${worker}/Function`);
    if (fleet.all('AWS::SQS::Queue').has(`${worker}/Input/Queue`)) {
      assert.equal(of(`${pascal(worker)}Queue`), `${worker}/Input/Queue`);
      assert.equal(of(`${pascal(worker)}DeadLetters`), `${worker}/Input/DeadLetters`);
    }
  }
});

test('functions are for arm64, and for x86_64 when that is asked for', () => {
  for (const [context, expected] of [
    [{ stage: 'dev' }, 'arm64'],
    [{ stage: 'dev', architecture: 'x86_64' }, 'x86_64'],
  ] as const) {
    for (const [path, { Properties }] of synthesised(context).all('AWS::Lambda::Function')) {
      assert.deepEqual(Properties.Architectures, [expected], path);
      assert.equal(Properties.Runtime, 'provided.al2023', path);
    }
  }
});

test('the records of the mail domain are outputs, or made in the zone that is given', () => {
  const told = synthesised({ mailDomain: 'blog.example' });
  const records = Object.entries(told.outputs).filter(([name]) => name.startsWith('Record'));
  assert.equal(records.length, 6);
  const of = (name: string) => told.text(told.outputs[name]?.Value);
  assert.equal(of('RecordMailFromMx'), 'bounces.blog.example MX 10 feedback-smtp.{Region}.amazonses.com');
  assert.equal(of('RecordDmarc'), '_dmarc.blog.example TXT "v=DMARC1; p=quarantine; adkim=r; aspf=r"');

  const made = synthesised({ mailDomain: 'blog.example', hostedZone: 'Z0123456789ABC' });
  const sets = [...made.all('AWS::Route53::RecordSet').values()];
  assert.deepEqual(sets.map(({ Properties }) => Properties.Type).sort(), [
    'CNAME',
    'CNAME',
    'CNAME',
    'MX',
    'TXT',
    'TXT',
  ]);
  assert.ok(sets.every(({ Properties }) => Properties.HostedZoneId === 'Z0123456789ABC'));
  assert.equal(Object.keys(made.outputs).filter((name) => name.startsWith('Record')).length, 0);
});
