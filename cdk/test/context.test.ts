import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { ContextError, readSettings, type Settings } from '../lib/context.ts';

function settings(context: Record<string, unknown>): Settings {
  return readSettings(new App({ context }).node);
}

function refused(context: Record<string, unknown>, message: string): void {
  assert.throws(
    () => settings(context),
    (error: unknown) => error instanceof ContextError && error.message === message,
  );
}

test('without context, a stage dev is for arm64 and an account', () => {
  const { stage, architecture, local, binaries, sender, unsubscribeUrl, mailDomainIsAssumed } = settings({});
  assert.deepEqual(
    { stage, architecture, local, binaries, sender, unsubscribeUrl, mailDomainIsAssumed },
    {
      stage: 'dev',
      architecture: 'arm64',
      local: false,
      binaries: undefined,
      sender: 'MyBlog <hello@dev.example.com>',
      unsubscribeUrl: 'https://dev.example.com/unsubscribe',
      mailDomainIsAssumed: true,
    },
  );
});

test('a stage that does not fit into names is refused', () => {
  for (const stage of ['Prod', '1st', 'a-', 'a_b', 'seventeen-letters']) {
    refused(
      { stage },
      `context stage: ${JSON.stringify(stage)} is not at most 16 lower-case letters, digits and hyphens`,
    );
  }
  assert.equal(settings({ stage: 'pr-123' }).stage, 'pr-123');
  assert.equal(settings({ stage: 'a' }).stage, 'a');
});

test('an architecture that Lambda does not have is refused', () => {
  refused({ architecture: 'amd64' }, 'context architecture: "amd64" is not arm64 or x86_64');
});

test('a misspelled name is refused, because its default would be deployed', () => {
  refused({ mail_domain: 'a.example' }, 'context mail_domain: "a.example" is not known: it is spelled mailDomain');
  refused({ Stage: 'prod' }, 'context Stage: "prod" is not known: it is spelled stage');
});

test('local is true or false, as text too', () => {
  assert.equal(settings({ local: 'true' }).local, true);
  assert.equal(settings({ local: 'false' }).local, false);
  refused({ local: 'yes' }, 'context local: "yes" is not true or false');
});

test('the address of a sender is taken from how mail shows it', () => {
  const mailDomain = 'example.com';
  assert.equal(settings({ mailDomain, sender: 'Blog <a@example.com>' }).senderAddress, 'a@example.com');
  assert.equal(settings({ mailDomain, sender: 'a@news.example.com' }).senderAddress, 'a@news.example.com');
});

test('a sender of another domain is refused, because SES would refuse every mail', () => {
  for (const sender of ['a@example.org', 'a@notexample.com']) {
    refused(
      { mailDomain: 'example.com', sender },
      `context sender: "${sender}" is not an address of the mail domain example.com`,
    );
  }
});

test('a sender that is no address is refused', () => {
  refused({ sender: 'Blog' }, 'context sender: "Blog" is not a sender, such as "MyBlog <hello@example.com>"');
});

test('unsubscribing is posted by https only', () => {
  const unsubscribeUrl = 'http://example.com/unsubscribe';
  refused(
    { unsubscribeUrl },
    `context unsubscribeUrl: "${unsubscribeUrl}" is not an https URL, where unsubscribing is posted to`,
  );
});

test('a folder of binaries that is not there is refused', () => {
  refused({ binaries: 'nowhere' }, 'context binaries: "nowhere" is not a folder that is there, nor "none"');
});

test('an empty value is refused, because a variable was not set', () => {
  refused({ mailDomain: '' }, 'context mailDomain: "" is not one line of text');
});
