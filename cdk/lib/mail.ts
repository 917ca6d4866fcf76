import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnRecordSet } from 'aws-cdk-lib/aws-route53';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  ConfigurationSet,
  ConfigurationSetEventDestination,
  EmailIdentity,
  EmailSendingEvent,
  EventDestination,
  Identity,
  MailFromBehaviorOnMxFailure,
  SuppressionReasons,
} from 'aws-cdk-lib/aws-ses';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Alarms } from './alarms.ts';
import type { Settings } from './context.ts';
import type { Permission } from './permission.ts';

/** What SES tells of a mail: all that email-feedback has a fate for. Opens and clicks would need a pixel and rewritten links. */
const FEEDBACK = [
  EmailSendingEvent.SEND,
  EmailSendingEvent.DELIVERY,
  EmailSendingEvent.BOUNCE,
  EmailSendingEvent.COMPLAINT,
  EmailSendingEvent.REJECT,
  EmailSendingEvent.RENDERING_FAILURE,
  EmailSendingEvent.DELIVERY_DELAY,
];

/** SES puts an account under review at 5 % bounces and 0.1 % complaints: there is time to act at these. */
const BOUNCE_RATE = 0.02;
const COMPLAINT_RATE = 0.0005;
/** SES works its rates out anew a few times a day. */
const REPUTATION_PERIOD = Duration.hours(1);

/** The domain that mail is sent from, what SES tells about each mail, and the DNS records that make mail trusted. */
export class Mail extends Construct {
  /** The domain in SES. */
  readonly identity: EmailIdentity;
  /** What each mail is sent with. */
  readonly configurationSet: ConfigurationSet;
  /** Signs the links for unsubscribing. */
  readonly unsubscribeKey: Secret;
  /** What DNS must say of the domain. */
  readonly records: Construct;
  readonly #settings: Settings;
  readonly #mailFrom: string;

  /**
   * @param feedback - where SES tells what became of each mail
   */
  constructor(scope: Construct, id: string, settings: Settings, feedback: ITopic) {
    super(scope, id);
    this.#settings = settings;
    this.#mailFrom = `bounces.${settings.mailDomain}`;
    this.configurationSet = new ConfigurationSet(this, 'ConfigurationSet', {
      configurationSetName: `flotilla-${settings.stage}`,
      reputationMetrics: true,
      sendingEnabled: true,
      suppressionReasons: SuppressionReasons.BOUNCES_AND_COMPLAINTS,
    });
    new ConfigurationSetEventDestination(this, 'Feedback', {
      configurationSet: this.configurationSet,
      destination: EventDestination.snsTopic(feedback),
      events: FEEDBACK,
      // SES tries the topic before it accepts the destination.
    }).node.addDependency(feedback);
    this.identity = new EmailIdentity(this, 'Identity', {
      identity: Identity.domain(settings.mailDomain),
      configurationSet: this.configurationSet,
      dkimSigning: true,
      mailFromDomain: this.#mailFrom,
      // Mail goes on from SES's own domain while the record is missing, rather than not at all.
      mailFromBehaviorOnMxFailure: MailFromBehaviorOnMxFailure.USE_DEFAULT_VALUE,
    });
    this.identity.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.unsubscribeKey = new Secret(this, 'UnsubscribeKey', {
      description: 'Signs the unsubscribing links of mails that were sent: another value breaks them all',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(this.unsubscribeKey).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'the links in mails that were sent carry its signature for years: a rotation would break unsubscribing',
    });
    this.records = new Construct(this, 'Records');
    this.publish();
  }

  /** What sending needs: from one address, through one configuration set. */
  sending(): Permission {
    const stack = Stack.of(this);
    return {
      actions: ['ses:SendEmail'],
      resources: [
        this.identity.emailIdentityArn,
        stack.formatArn({
          service: 'ses',
          resource: 'configuration-set',
          resourceName: this.configurationSet.configurationSetName,
        }),
      ],
      conditions: { StringEquals: { 'ses:FromAddress': this.#settings.senderAddress } },
    };
  }

  /** Makes the alarms of the sender's reputation, which is the whole account's: SES judges no stage alone. */
  raiseAlarms(alarms: Alarms): void {
    alarms.raise('mail', {
      metric: reputation('BounceRate'),
      threshold: BOUNCE_RATE,
      section: 'bounces',
      says: 'Two in a hundred mails bounce; at five, SES puts the account under review.',
    });
    alarms.raise('mail', {
      metric: reputation('ComplaintRate'),
      threshold: COMPLAINT_RATE,
      section: 'complaints',
      says: 'One in two thousand mails is reported as spam; at one in a thousand, SES puts the account under review.',
    });
  }

  /** The records are made in the zone that was given; otherwise the stack's outputs say which to make. */
  private publish(): void {
    const { hostedZone, mailDomain } = this.#settings;
    const { region } = Stack.of(this);
    const records = [
      ...this.identity.dkimRecords.map(({ name, value }, index) => ({
        id: `Dkim${index + 1}`,
        name,
        type: 'CNAME',
        value,
      })),
      {
        id: 'MailFromMx',
        name: this.#mailFrom,
        type: 'MX',
        value: `10 feedback-smtp.${region}.amazonses.com`,
      },
      { id: 'MailFromSpf', name: this.#mailFrom, type: 'TXT', value: '"v=spf1 include:amazonses.com ~all"' },
      // Quarantine, not reject: the domain may have other senders that are not signed yet.
      { id: 'Dmarc', name: `_dmarc.${mailDomain}`, type: 'TXT', value: '"v=DMARC1; p=quarantine; adkim=r; aspf=r"' },
    ];
    for (const { id, name, type, value } of records) {
      if (hostedZone === undefined) {
        new CfnOutput(this.records, id, {
          value: `${name} ${type} ${value}`,
          description: 'A DNS record to make',
        }).overrideLogicalId(`Record${id}`);
      } else {
        new CfnRecordSet(this.records, id, {
          hostedZoneId: hostedZone,
          name,
          type,
          ttl: '1800',
          resourceRecords: [value],
        });
      }
    }
  }
}

/** One of the rates that SES keeps of the account. */
export function reputation(rate: 'BounceRate' | 'ComplaintRate'): Metric {
  return new Metric({
    namespace: 'AWS/SES',
    metricName: `Reputation.${rate}`,
    statistic: Stats.MAXIMUM,
    period: REPUTATION_PERIOD,
  });
}
