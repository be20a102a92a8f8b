export const messages = {
  en: {
    line: '{label}: now {last}, between {min} and {max}',
    noValues: '{label}: nothing was read',
    notRead: 'not read',
    limit: 'Limit {limit}',
  },
  ja: {
    line: '{label}: 現在 {last}、範囲 {min} から {max}',
    noValues: '{label}: 読み取った値がありません',
    notRead: '未取得',
    limit: '上限 {limit}',
  },
}
