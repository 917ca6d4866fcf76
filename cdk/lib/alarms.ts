import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

/** The sections of RUNBOOK.md that alarms send a person to, as they are spelled in a link to them. */
export type Section =
  | 'bounces'
  | 'complaints'
  | 'dead-letters'
  | 'dropped-events'
  | 'errors'
  | 'held'
  | 'iterator-age'
  | 'kept-after-failure'
  | 'oldest-message'
  | 'recursion'
  | 'rejected'
  | 'throttles'
  | 'undelivered';

/** When an alarm goes off, and what it says. */
export interface AlarmProps {
  /** What is watched. */
  readonly metric: IMetric;
  /** It goes off at this value and above. */
  readonly threshold: number;
  /** What is wrong, for a person who was just woken: one sentence. */
  readonly says: string;
  /** Where RUNBOOK.md says what to do. */
  readonly section: Section;
  /**
   * How many of the last three periods must be at the threshold; 1 looks at the last period alone.
   *
   * @default 1
   */
  readonly ofThreePeriods?: 1 | 2;
}

/** Where alarms are made, and where they are heard. */
export class Alarms extends Construct {
  /** Every alarm, for the dashboard. */
  readonly all: Alarm[] = [];

  /**
   * @param stage - begins every alarm's name
   * @param topic - where alarms are published when they go off and when they are over
   */
  constructor(
    scope: Construct,
    id: string,
    private readonly stage: string,
    private readonly topic: ITopic,
  ) {
    super(scope, id);
  }

  /**
   * Makes an alarm called `flotilla-STAGE-SUBJECT-SECTION`.
   *
   * @param subject - what it is about: a worker, or `mail`
   */
  raise(subject: string, props: AlarmProps): Alarm {
    const name = `flotilla-${this.stage}-${subject}-${props.section}`;
    const several = props.ofThreePeriods === 2;
    const alarm = new Alarm(this, `${subject}-${props.section}`, {
      alarmName: name,
      alarmDescription: `${props.says} What to do: ${runbook(props.section)}`,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: several ? 3 : 1,
      datapointsToAlarm: several ? 2 : 1,
      // Queues and functions that have nothing to do publish nothing, which is good.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    const action = new SnsAction(this.topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    this.all.push(alarm);
    return alarm;
  }
}

/** How a section of the runbook is named to a person. */
export function runbook(section: Section): string {
  return `RUNBOOK.md#${section}`;
}

/** How long one period of an alarm is. */
export const PERIOD = Duration.minutes(5);
