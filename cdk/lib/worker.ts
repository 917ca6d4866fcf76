import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { type IMetric, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  CfnEventInvokeConfig,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { type Alarms, PERIOD } from './alarms.ts';
import type { Architecture as Processor } from './context.ts';
import { grant, type Permission } from './permission.ts';
import type { Source } from './source.ts';
import { WorkerQueue } from './worker-queue.ts';
import { WorkerStream } from './worker-stream.ts';

/** The namespace of the workers' own metrics: what `fleet::metrics` writes. */
export const METRICS_NAMESPACE = 'Flotilla';

/** What a worker is. */
export interface WorkerProps {
  /** What invokes it. */
  readonly source: Source;
  /** Memory in MB; the processor grows with it, a whole one at 1769. */
  readonly memoryMb: number;
  /** The longest that one call may take. */
  readonly timeout: Duration;
  /** Its variables, beside those that Lambda sets. */
  readonly environment: Record<string, string>;
  /** What it may do, beside reading its source, writing its logs and sending its traces. */
  readonly permissions: Permission[];
  /** It holds records back until an operator acts, which has an alarm. @default false */
  readonly holds?: boolean;
}

/** What all workers share. */
export interface Surroundings {
  /** The environment. */
  readonly stage: string;
  /** What the workers are built for. */
  readonly architecture: Processor;
  /** Where what Lambda gave up on is kept. */
  readonly failures: IBucket;
  /** Where alarms are made. */
  readonly alarms: Alarms;
  /** The code of a worker. */
  code(worker: string): Code;
}

/**
 * One worker and all that is its own: its queue with dead letters or its place in a stream, function, role, log group,
 * what is kept when it fails, and its alarms.
 */
export class Worker extends Construct {
  /** The function, `flotilla-STAGE-WORKER`. */
  readonly function: LambdaFunction;
  /** Where its logs are. */
  readonly logs: LogGroup;
  /** What it reads from. */
  readonly input: WorkerQueue | WorkerStream;

  /**
   * @param worker - its name, as in `workers/NAME`
   */
  constructor(
    scope: Construct,
    readonly worker: string,
    private readonly surroundings: Surroundings,
    props: WorkerProps,
  ) {
    super(scope, worker);
    const { stage, failures, alarms } = surroundings;
    const name = `flotilla-${stage}-${worker}`;
    this.logs = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${name}`,
      retention: RetentionDays.ONE_MONTH,
      // Its name is the worker's: if it stayed, the stage could not be deployed again.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What ${name} may do, and nothing else`,
    });
    this.function = new LambdaFunction(this, 'Function', {
      functionName: name,
      description: `Flotilla: ${worker}`,
      runtime: Runtime.PROVIDED_AL2023,
      architecture: surroundings.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      handler: 'bootstrap',
      code: surroundings.code(worker),
      memorySize: props.memoryMb,
      timeout: props.timeout,
      environment: props.environment,
      role,
      logGroup: this.logs,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      systemLogLevelV2: SystemLogLevel.INFO,
      tracing: Tracing.ACTIVE,
      recursiveLoop: RecursiveLoop.TERMINATE,
    });
    const permissions = [...this.ownPermissions(failures), ...props.permissions];
    this.input = this.read(props, permissions);
    grant(role, permissions);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'X-Ray knows no resources to restrict the sending of traces to',
    });
    // Nothing invokes a worker asynchronously in this stack; a person or another stack may, and must not lose the event.
    new CfnEventInvokeConfig(this, 'Asynchronous', {
      functionName: this.function.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: Duration.hours(6).toSeconds(),
      destinationConfig: { onFailure: { destination: failures.bucketArn } },
    }).node.addDependency(role);
    this.raiseAlarms(alarms, props);
    this.output('Function', this.function.functionName, `The function of ${worker}`);
  }

  /** A metric that the worker writes itself, summed. */
  ownMetric(metricName: string): IMetric {
    return new Metric({
      namespace: METRICS_NAMESPACE,
      metricName,
      dimensionsMap: { worker: this.worker, function: this.function.functionName },
      statistic: Stats.SUM,
      period: PERIOD,
    });
  }

  /** A metric that Lambda writes about the function, summed. */
  functionMetric(metricName: string): IMetric {
    return this.function.metric(metricName, { statistic: Stats.SUM, period: PERIOD });
  }

  private read(props: WorkerProps, permissions: Permission[]): WorkerQueue | WorkerStream {
    const { stage, failures } = this.surroundings;
    const { source } = props;
    if (source.kind === 'queue') {
      const queue = new WorkerQueue(this, `flotilla-${stage}-${this.worker}`, source, this.function);
      permissions.push(...queue.permissions);
      this.output('Queue', queue.queue.queueUrl, `The queue of ${this.worker}`);
      this.output('DeadLetters', queue.deadLetters.queueUrl, `What ${this.worker} failed at five times`);
      return queue;
    }
    const stream = new WorkerStream(this, source, this.function, failures);
    permissions.push(...stream.permissions);
    return stream;
  }

  private ownPermissions(failures: IBucket): Permission[] {
    return [
      {
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logs.logGroupArn],
        wildcard: 'Lambda names the streams within the log group of the worker',
      },
      {
        // Any key, because Lambda refuses a destination unless it sees that the role may write to it.
        actions: ['s3:PutObject'],
        resources: [failures.arnForObjects('*')],
        wildcard: 'Lambda makes the keys of what it gave up on from the time',
      },
      { actions: ['s3:ListBucket'], resources: [failures.bucketArn] },
    ];
  }

  private raiseAlarms(alarms: Alarms, props: WorkerProps): void {
    const { worker } = this;
    alarms.raise(worker, {
      metric: this.functionMetric('Errors'),
      threshold: 1,
      ofThreePeriods: 2,
      section: 'errors',
      says: `Calls of ${worker} crash, run out of time or memory, or cannot start.`,
    });
    alarms.raise(worker, {
      metric: this.functionMetric('Throttles'),
      threshold: 1,
      ofThreePeriods: 2,
      section: 'throttles',
      says: `Lambda has no room for calls of ${worker}, which wait.`,
    });
    alarms.raise(worker, {
      metric: this.functionMetric('AsyncEventsDropped'),
      threshold: 1,
      section: 'dropped-events',
      says: `Lambda dropped asynchronous events of ${worker}.`,
    });
    alarms.raise(worker, {
      metric: this.functionMetric('RecursiveInvocationsDropped'),
      threshold: 1,
      section: 'recursion',
      says: `${worker} caused its own input, and Lambda broke the loop.`,
    });
    alarms.raise(worker, {
      metric: this.ownMetric('Rejected'),
      threshold: 1,
      section: 'rejected',
      says: `${worker} rejected records that can never succeed; each is kept with its reason.`,
    });
    if (props.holds) {
      alarms.raise(worker, {
        metric: this.ownMetric('Held'),
        threshold: 1,
        section: 'held',
        says: `${worker} holds records back until an operator acts: sending is paused, denied or not set up.`,
      });
    }
    this.input.raiseAlarms(alarms, worker);
  }

  /** An output of the stack, such as `ThumbnailsFunction`. */
  private output(what: string, value: string, description: string): void {
    new CfnOutput(Stack.of(this), `${pascal(this.worker)}${what}`, { value, description });
  }
}

/** `upload-audit` as `UploadAudit`. */
export function pascal(name: string): string {
  return name
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}
