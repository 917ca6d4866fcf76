import { existsSync } from 'node:fs';
import { arch } from 'node:os';
import { resolve } from 'node:path';
import type { Node } from 'constructs';

/** What runs the workers. */
export type Architecture = 'arm64' | 'x86_64';

/** What the app is told by `-c NAME=VALUE`. */
export interface Settings {
  /** The environment: every name carries it, so that several stand side by side in one account. `dev` unless given. */
  readonly stage: string;
  /** `arm64` unless given; for local AWS, what this machine is. */
  readonly architecture: Architecture;
  /** The stack is for local AWS: see local.ts. */
  readonly local: boolean;
  /**
   * A folder of built workers, `NAME/bootstrap` each; `none` puts a placeholder in their place, for a template that is
   * only looked at.
   *
   * @default - the workers are built by cargo-lambda
   */
  readonly binaries?: string;
  /** The domain that mail is sent from. `STAGE.example.com` unless given: good for looking, not for mailing. */
  readonly mailDomain: string;
  /** Nobody said which domain mail is sent from. */
  readonly mailDomainIsAssumed: boolean;
  /** Who sends, as mail shows it: `MyBlog <hello@example.com>`. */
  readonly sender: string;
  /** The address alone of the sender. */
  readonly senderAddress: string;
  /** Where one-click unsubscribing is posted to. */
  readonly unsubscribeUrl: string;
  /** What mail calls the blog. @default - the worker's own */
  readonly blogName?: string;
  /** Where mail links to. @default - no link */
  readonly blogUrl?: string;
  /** The Route 53 zone that holds the mail domain. @default - the records to make are outputs */
  readonly hostedZone?: string;
  /** A CloudFront distribution that is already there. @default - the stack makes a small one */
  readonly distribution?: string;
  /** Who is mailed when an alarm goes off. @default - nobody: subscribe to the alarms topic */
  readonly alarmEmail?: string;
}

/** A value of the context that the app cannot work with. */
export class ContextError extends Error {
  constructor(name: string, value: unknown, expected: string) {
    super(`context ${name}: ${JSON.stringify(value)} is not ${expected}`);
    this.name = 'ContextError';
  }
}

const KNOWN = [
  'stage',
  'architecture',
  'local',
  'binaries',
  'mailDomain',
  'sender',
  'unsubscribeUrl',
  'blogName',
  'blogUrl',
  'hostedZone',
  'distribution',
  'alarmEmail',
];

// At most 16, because a queue of the longest worker's name must stay under SQS's 80 characters and a bucket's under 63.
const STAGE = /^[a-z][a-z0-9-]{0,14}[a-z0-9]$|^[a-z]$/;
const DOMAIN = /^(?=.{1,240}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$/;
const HTTPS = /^https:\/\/[^\s/?#]+[^\s]*$/;

/**
 * Reads the settings of the app.
 *
 * @throws ContextError that names the first value that is wrong, and what would be right
 */
export function readSettings(node: Node): Settings {
  refuseMisspelled(node);
  const stage = matching(node, 'stage', STAGE, 'at most 16 lower-case letters, digits and hyphens') ?? 'dev';
  const local = flag(node, 'local');
  const givenDomain = matching(node, 'mailDomain', DOMAIN, 'a lower-case domain, such as example.com');
  const mailDomain = givenDomain ?? `${stage}.example.com`;
  const sender = text(node, 'sender') ?? `MyBlog <hello@${mailDomain}>`;
  return {
    stage,
    local,
    architecture: architecture(node, local),
    binaries: binaries(node),
    mailDomain,
    mailDomainIsAssumed: givenDomain === undefined,
    sender,
    senderAddress: senderAddress(sender, mailDomain),
    unsubscribeUrl:
      matching(node, 'unsubscribeUrl', HTTPS, 'an https URL, where unsubscribing is posted to') ??
      `https://${mailDomain}/unsubscribe`,
    blogName: text(node, 'blogName'),
    blogUrl: matching(node, 'blogUrl', HTTPS, 'an https URL'),
    hostedZone: matching(node, 'hostedZone', /^Z[A-Z0-9]{1,31}$/, 'the id of a Route 53 zone, such as Z0123456789ABC'),
    distribution: matching(node, 'distribution', /^E[A-Z0-9]{5,20}$/, 'the id of a CloudFront distribution'),
    alarmEmail: matching(node, 'alarmEmail', ADDRESS, 'an address'),
  };
}

/** A misspelled name would silently deploy the default, such as the stage `dev` in place of another. */
function refuseMisspelled(node: Node): void {
  const spelled = new Map(KNOWN.map((name) => [plain(name), name]));
  for (const given of Object.keys(node.getAllContext())) {
    const meant = spelled.get(plain(given));
    if (meant !== undefined && meant !== given) {
      throw new ContextError(given, node.tryGetContext(given), `known: it is spelled ${meant}`);
    }
  }
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

function text(node: Node, name: string): string | undefined {
  const value: unknown = node.tryGetContext(name);
  if (value === undefined) {
    return undefined;
  }
  if (typeof value !== 'string' || value.trim() === '' || /[\r\n]/.test(value)) {
    throw new ContextError(name, value, 'one line of text');
  }
  return value.trim();
}

function matching(node: Node, name: string, pattern: RegExp, expected: string): string | undefined {
  const value = text(node, name);
  if (value !== undefined && !pattern.test(value)) {
    throw new ContextError(name, value, expected);
  }
  return value;
}

function flag(node: Node, name: string): boolean {
  const value: unknown = node.tryGetContext(name);
  if (value === undefined || value === false || value === 'false') {
    return false;
  }
  if (value === true || value === 'true') {
    return true;
  }
  throw new ContextError(name, value, 'true or false');
}

function architecture(node: Node, local: boolean): Architecture {
  const value = text(node, 'architecture');
  if (value === undefined) {
    return local && arch() === 'x64' ? 'x86_64' : 'arm64';
  }
  if (value !== 'arm64' && value !== 'x86_64') {
    throw new ContextError('architecture', value, 'arm64 or x86_64');
  }
  return value;
}

function binaries(node: Node): string | undefined {
  const value = text(node, 'binaries');
  if (value === undefined || value === 'none') {
    return value;
  }
  const folder = resolve(value);
  if (!existsSync(folder)) {
    throw new ContextError('binaries', value, 'a folder that is there, nor "none"');
  }
  return folder;
}

/** SES lets a verified domain send for itself and its subdomains, and the role's policy admits this one address. */
function senderAddress(sender: string, mailDomain: string): string {
  const address = /<([^<>]*)>$/.exec(sender)?.[1] ?? sender;
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  if (!ADDRESS.test(address)) {
    throw new ContextError('sender', sender, 'a sender, such as "MyBlog <hello@example.com>"');
  }
  if (domain !== mailDomain && !domain.endsWith(`.${mailDomain}`)) {
    throw new ContextError('sender', sender, `an address of the mail domain ${mailDomain}`);
  }
  return address;
}
