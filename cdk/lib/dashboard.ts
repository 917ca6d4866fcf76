import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type Alarms, PERIOD } from './alarms.ts';
import { reputation } from './mail.ts';
import type { Worker } from './worker.ts';
import { WorkerQueue } from './worker-queue.ts';

const COLUMNS = 24;
const WIDTH = COLUMNS / 4;

/** One page that shows whether the fleet is well: all alarms, then a row for each worker, then mail. */
export function dashboard(scope: Construct, stage: string, workers: Worker[], alarms: Alarms): Dashboard {
  return new Dashboard(scope, 'Dashboard', {
    dashboardName: `flotilla-${stage}`,
    defaultInterval: Duration.hours(3),
    widgets: [
      [new AlarmStatusWidget({ title: `Alarms of ${stage}`, alarms: alarms.all, width: COLUMNS, height: 4 })],
      ...workers.flatMap(row),
      [new TextWidget({ markdown: '## mail', width: COLUMNS, height: 1 })],
      [
        graph('Bounces, of all mails', [reputation('BounceRate')]),
        graph('Complaints, of all mails', [reputation('ComplaintRate')]),
      ],
    ],
  });
}

function row(worker: Worker): IWidget[][] {
  const maximum = { statistic: Stats.MAXIMUM, period: PERIOD };
  const fates = ['Done', 'Rejected', 'Retry'].map((fate) => worker.ownMetric(fate));
  const calls = ['Invocations', 'Errors', 'Throttles'].map((metric) => worker.functionMetric(metric));
  const durations = [Stats.p(50), Stats.p(99)].map((statistic) =>
    worker.function.metricDuration({ statistic, period: PERIOD, label: statistic }),
  );
  const { input } = worker;
  const waiting =
    input instanceof WorkerQueue
      ? graph('Waiting, and dead letters', [
          input.queue.metricApproximateNumberOfMessagesVisible(maximum),
          input.deadLetters.metricApproximateNumberOfMessagesVisible(maximum),
        ])
      : graph('Behind the stream, ms', [worker.function.metric('IteratorAge', maximum)]);
  return [
    [new TextWidget({ markdown: `## ${worker.worker}`, width: COLUMNS, height: 1 })],
    [graph('Records', fates), graph('Calls', calls), graph('Duration', durations), waiting],
  ];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: WIDTH, height: 5 });
}
